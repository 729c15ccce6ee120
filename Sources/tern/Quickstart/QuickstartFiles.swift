import CTernQuickstart
import TernTensor

/// The models and data that come with the program.
enum QuickstartFiles {
    static var digitsModel: [UInt8] { unsafe bytes(of: tern_quickstart_digits_model) }
    static var regressionModel: [UInt8] { unsafe bytes(of: tern_quickstart_regression_model) }
    static var digitsImages: Tensor {
        get throws { try unsafe tensor(tern_quickstart_digits_images) }
    }
    static var digitsLabels: Tensor {
        get throws { try unsafe tensor(tern_quickstart_digits_labels) }
    }
    static var regressionInputs: Tensor {
        get throws { try unsafe tensor(tern_quickstart_regression_inputs) }
    }
    static var regressionExpected: Tensor {
        get throws { try unsafe tensor(tern_quickstart_regression_expected) }
    }

    @unsafe private static func bytes(of file: tern_quickstart_file) -> [UInt8] {
        // SAFETY: each file is a constant array of the program with this many bytes.
        unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.byte_count))
    }

    @unsafe private static func tensor(_ file: tern_quickstart_file) throws -> Tensor {
        try NPYFile.decode(unsafe bytes(of: file))
    }
}
