/// What the header of a `.npy` file says.
struct NPYHeader {
    /// The elements' type, such as `<f4`.
    var descriptor: String
    /// Whether the first axis changes fastest.
    var isFortranOrder: Bool
    /// The sizes of the axes.
    var shape: Shape
}

/// Reads the header of a `.npy` file: a Python dictionary with three keys.
struct NPYHeaderParser {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Reads the whole header.
    mutating func parse() throws(NPYError) -> NPYHeader {
        var descriptor: String?
        var isFortranOrder: Bool?
        var shape: Shape?
        try expect("{")
        while !skip("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descriptor == nil: descriptor = try elementDescriptor()
            case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truthValue()
            case "shape" where shape == nil: shape = try sizes()
            case "descr", "fortran_order", "shape":
                throw NPYError("the header has the key '\(key)' twice")
            default: throw NPYError("the header has an unknown key")
            }
            if !skip(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard rest.isEmpty else { throw NPYError("the header goes on after its end") }
        guard let descriptor, let isFortranOrder, let shape else {
            throw NPYError("the header must have the keys 'descr', 'fortran_order' and 'shape'")
        }
        return NPYHeader(descriptor: descriptor, isFortranOrder: isFortranOrder, shape: shape)
    }

    private mutating func skipSpace() {
        while let byte = rest.first, byte == 0x20 || (0x09...0x0D).contains(byte) {
            rest.removeFirst()
        }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard let byte = rest.first, UInt32(byte) == character.value else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(NPYError) {
        guard skip(character) else { throw NPYError("the header lacks a '\(character)'") }
    }

    private mutating func string() throws(NPYError) -> String {
        let quote: UInt8
        if skip("'") {
            quote = 0x27
        } else if skip("\"") {
            quote = 0x22
        } else {
            throw NPYError("the header lacks a string in quotes")
        }
        guard let end = rest.firstIndex(of: quote) else {
            throw NPYError("a string in the header does not end")
        }
        let text = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
        rest = rest[(end + 1)...]
        return text
    }

    private mutating func elementDescriptor() throws(NPYError) -> String {
        skipSpace()
        guard rest.first != 0x5B else {
            throw NPYError("arrays of records ('descr' is a list) are not supported")
        }
        return try string()
    }

    private mutating func truthValue() throws(NPYError) -> Bool {
        skipSpace()
        for (text, value) in [("True", true), ("False", false)] where rest.starts(with: text.utf8) {
            rest = rest.dropFirst(text.utf8.count)
            return value
        }
        throw NPYError("'fortran_order' must be True or False")
    }

    private mutating func sizes() throws(NPYError) -> Shape {
        var sizes: [Int] = []
        try expect("(")
        while !skip(")") {
            guard sizes.count < Shape.maximumRank else {
                throw NPYError("the array has more than \(Shape.maximumRank) axes")
            }
            sizes.append(try number())
            if !skip(",") {
                try expect(")")
                break
            }
        }
        return Shape(sizes)
    }

    private mutating func number() throws(NPYError) -> Int {
        skipSpace()
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
            throw NPYError("'shape' must hold whole numbers that fit 63 bits")
        }
        rest = rest.dropFirst(digits.count)
        // Python 2 wrote long integers so.
        if rest.first == 0x4C { rest.removeFirst() }
        return number
    }
}
