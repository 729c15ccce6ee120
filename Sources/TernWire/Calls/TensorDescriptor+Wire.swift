internal import TernTensor

// The value of an `input` or `output` field of a model's metadata:
//
//     u8   element type
//     u8   rank, 0 to 8, or 255 if the model doesn't say
//     u16  bytes of the name, then the name
//     each axis:  u8 0, then u64 size     always this size
//                 u8 1, then u16 bytes of the name, then the name     the same wherever it is named
//                 u8 2                    any size

private enum AxisCode {
    static let fixed: UInt8 = 0
    static let symbolic: UInt8 = 1
    static let unknown: UInt8 = 2
}

private let unknownRankCode: UInt8 = 255

extension TensorDescriptor {
    var wireBytes: [UInt8] {
        var value = ValueBuilder()
        value.append(elementType.rawValue)
        value.append(dimensions.map { UInt8($0.count) } ?? unknownRankCode)
        value.append(name)
        for dimension in dimensions ?? [] {
            switch dimension {
            case .fixed(let size):
                value.append(AxisCode.fixed)
                value.append(UInt64(size))
            case .symbolic(let name):
                value.append(AxisCode.symbolic)
                value.append(name)
            case .unknown:
                value.append(AxisCode.unknown)
            }
        }
        return value.bytes
    }
}

extension FieldReader {
    func tensorDescriptor(_ field: Field) throws(WireError) -> TensorDescriptor {
        var value = ValueReader(field, with: self)
        let typeCode = try value.number(UInt8.self)
        guard let elementType = ElementType(rawValue: typeCode) else {
            throw value.error(.elementTypeUnknown, last: 1, expected: 0, found: typeCode)
        }
        let rank = try value.number(UInt8.self)
        guard rank <= Shape.maximumRank || rank == unknownRankCode else {
            throw value.error(.rankTooLarge, last: 1, expected: Shape.maximumRank, found: rank)
        }
        let name = try value.name()
        var dimensions: [Dimension]?
        if rank != unknownRankCode {
            var known: [Dimension] = []
            for _ in 0..<rank { known.append(try value.dimension()) }
            dimensions = known
        }
        try value.finish()
        return TensorDescriptor(name: name, elementType: elementType, dimensions: dimensions)
    }
}

extension ValueReader {
    fileprivate mutating func dimension() throws(WireError) -> Dimension {
        let code = try number(UInt8.self)
        switch code {
        case AxisCode.fixed:
            let size = try number(UInt64.self)
            guard size <= UInt64(Int64.max) else {
                throw error(.shapeOverflow, last: 8, expected: Int64.max, found: size)
            }
            return .fixed(Int(size))
        case AxisCode.symbolic:
            return .symbolic(try name())
        case AxisCode.unknown:
            return .unknown
        default:
            throw error(.valueOutOfRange, last: 1, expected: AxisCode.unknown, found: code)
        }
    }
}
