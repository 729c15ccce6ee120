import Foundation
import Testing

@testable import TernTensor

/// The folder of arrays that numpy wrote.
private let arrays = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/arrays").path

private func contents(_ name: String) throws -> [UInt8] {
    try FileBytes.read("\(arrays)/\(name).npy", byteCountLimit: 1 << 20)
}

private func bytes(_ tensor: Tensor) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
}

private func bytes<T: BitwiseCopyable>(of values: [T]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
}

@Suite struct NPYFileTests {
    /// The elements of the array of each type, as make_arrays.py has them.
    static let expected: [ElementType: [UInt8]] = [
        .bool: [0, 1, 1, 1, 0, 1],
        .uint8: [0, 128, 255, 1, 2, 3],
        .uint16: bytes(of: [0, 32768, 65535, 1, 2, 3] as [UInt16]),
        .uint32: bytes(of: [0, 1 << 31, .max, 1, 2, 3] as [UInt32]),
        .uint64: bytes(of: [0, 1 << 63, .max, 1, 2, 3] as [UInt64]),
        .int8: bytes(of: [-128, 0, 127, 1, 2, 3] as [Int8]),
        .int16: bytes(of: [.min, 0, .max, 1, 2, 3] as [Int16]),
        .int32: bytes(of: [.min, 0, .max, 1, 2, 3] as [Int32]),
        .int64: bytes(of: [.min, 0, .max, 1, 2, 3] as [Int64]),
        .fp16: bytes(of: [0xBE00, 0x3400, 0x7BFF, 0x3C00, 0x4000, 0x4200] as [UInt16]),
        .bf16: bytes(of: [0xBFC0, 0x3E80, 0x7F62, 0x3F80, 0x4000, 0x4040] as [UInt16]),
        .fp32: bytes(of: [-1.5, 0.25, 3e38, 1, 2, 3] as [Float]),
        .fp64: bytes(of: [-1.5, 0.25, 1e300, 1, 2, 3] as [Double]),
    ]

    @Test(arguments: ElementType.allCases.filter { $0 != .bytes })
    func `an array that numpy wrote is read, and what is written reads the same`(
        _ type: ElementType
    ) throws {
        let tensor = try NPYFile.decode(contents(type.name.lowercased()))
        #expect(tensor.elementType == type)
        #expect(tensor.shape == [2, 3])
        #expect(bytes(tensor) == Self.expected[type])
        let written = try NPYFile.encode(tensor)
        let again = try NPYFile.decode(written)
        #expect(again.elementType == type && again.shape == [2, 3])
        #expect(bytes(again) == bytes(tensor))
        // Numpy's own header, but for the padding.
        let theirs = try contents(type.name.lowercased())
        let end = try #require(theirs.firstIndex(of: UInt8(ascii: "}")))
        #expect(written[10...end].elementsEqual(theirs[10...end]))
        #expect((written.count - 6 * (type.byteCount ?? 0)) % 64 == 0)
    }

    @Test(arguments: [
        "counting", "counting_fortran", "counting_big_endian", "counting_version_2",
        "counting_version_3",
    ])
    func `every order, byte order and version gives the same elements`(_ name: String) throws {
        let tensor = try NPYFile.decode(contents(name))
        #expect(tensor.elementType == .int32 && tensor.shape == [2, 3, 4])
        #expect(tensor.elements(as: Int32.self) == (0..<24).map { Int32($0) })
    }

    @Test func `scalars, vectors and empty arrays keep their shape both ways`() throws {
        for (name, shape, values) in [
            ("scalar", [], [42]), ("vector", [3], [0, 1, 2]), ("empty", [0, 4], []),
        ] as [(String, Shape, [Float])] {
            let tensor = try NPYFile.decode(contents(name))
            #expect(tensor.shape == shape && tensor.elements(as: Float.self) == values)
            let again = try NPYFile.decode(NPYFile.encode(tensor))
            #expect(again.shape == shape && again.elements(as: Float.self) == values)
        }
    }

    @Test func `byte strings and texts become BYTES`() throws {
        let strings = try NPYFile.decode(contents("byte_strings"))
        #expect(strings.elementType == .bytes && strings.shape == [3])
        #expect(strings.byteStrings == ["", "zwei", "drei!"].map { Array($0.utf8) })
        let texts = try NPYFile.decode(contents("texts"))
        #expect(texts.byteStrings == ["", "zwei", "日本"].map { Array($0.utf8) })
        let again = try NPYFile.decode(NPYFile.encode(texts))
        #expect(again.byteStrings == texts.byteStrings)
    }

    @Test func `a byte string that ends with a zero byte cannot be written`() throws {
        let tensor = Tensor(shape: [2], byteStrings: [[1], [1, 0]])
        #expect(throws: NPYError("element 1 ends with a zero byte, which a .npy file cannot say")) {
            try NPYFile.encode(tensor)
        }
    }

    @Test(arguments: ["counting", "texts", "counting_version_3"])
    func `a file cut short anywhere is an error`(_ name: String) throws {
        let whole = try contents(name)
        for count in whole.indices {
            #expect(throws: NPYError.self) { try NPYFile.decode(Array(whole[..<count])) }
        }
    }

    @Test func `a file that goes on after its elements is an error`() throws {
        #expect(throws: NPYError("[3] of 4-byte elements takes 12 bytes, 13 are there")) {
            try NPYFile.decode(contents("vector") + [0])
        }
    }

    @Test(arguments: ["complex", "records"])
    func `elements that are no numbers of ours are refused`(_ name: String) throws {
        #expect(throws: NPYError.self) { try NPYFile.decode(contents(name)) }
    }

    /// A file of version 1 with the given header.
    private func file(_ header: String, payload: Int = 0) -> [UInt8] {
        let length = header.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
            + Array(header.utf8) + Array(repeating: 0, count: payload)
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "{'descr'}", "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': false, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,2,3,4,5,6,7,8,9)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '|S-1', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<U99999999999999999999', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} x",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (0,)}",
    ])
    func `a header that says something else is an error`(_ header: String) {
        #expect(throws: NPYError.self) { try NPYFile.decode(file(header)) }
    }

    @Test func `spaces, double quotes, trailing commas and long integers are fine`() throws {
        let header = #"  { "descr" : "<f4" ,"fortran_order":True, 'shape':( 2L , 1 ,) , }  "#
        let tensor = try NPYFile.decode(file(header, payload: 8))
        #expect(tensor.shape == [2, 1])
    }

    @Test func `no mutation of a header crashes the reader`() throws {
        let whole = try contents("counting")
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var mutated = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                mutated[Int.random(in: 0..<90, using: &random)] = UInt8.random(
                    in: 0...255,
                    using: &random
                )
            }
            _ = try? NPYFile.decode(mutated)
        }
    }

    @Test func `files are written, replaced and read back`() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString).npy").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        for count in [5, 2] {
            let values = (0..<count).map { Float($0) }
            try NPYFile.write(Tensor(elementType: .fp32, shape: [count], values: values), to: path)
            #expect(try NPYFile.read(path).elements(as: Float.self) == values)
        }
    }

    @Test func `what cannot be read is named with the reason`() throws {
        let missing = #expect(throws: FileError.self) { try NPYFile.read("/nonexistent/x.npy") }
        #expect(
            missing?.description.contains("/nonexistent/x.npy: cannot be opened: No such") == true
        )
        let folder = #expect(throws: FileError.self) { try NPYFile.read("/") }
        #expect(folder?.reason == "is not a regular file")
        // A device would be read without end.
        let device = #expect(throws: FileError.self) { try NPYFile.read("/dev/zero") }
        #expect(device?.reason == "is not a regular file")
        let limited = #expect(throws: FileError.self) {
            try FileBytes.read("\(arrays)/vector.npy", byteCountLimit: 10)
        }
        #expect(limited?.reason == "140 bytes are more than the limit of 10")
        let part = #expect(throws: FileError.self) {
            try FileBytes.read(
                "\(arrays)/vector.npy",
                offset: 130,
                byteCount: 11,
                byteCountLimit: 99
            )
        }
        #expect(part?.reason == "11 bytes are needed at offset 130, 10 are there")
    }
}
