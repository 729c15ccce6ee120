import ArgumentParser

/// The shape of a matrix product, M×K×N: A [M, K] times B [K, N].
struct ProductShape: Hashable, ExpressibleByArgument, CustomStringConvertible {
    let rowCount: Int
    let depth: Int
    let columnCount: Int
    /// Where such a product comes from; empty if the user gave it.
    var origin = ""

    init(_ rowCount: Int, _ depth: Int, _ columnCount: Int, _ origin: String = "") {
        self.rowCount = rowCount
        self.depth = depth
        self.columnCount = columnCount
        self.origin = origin
    }

    init?(argument: String) {
        let sizes = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sizes.count == 3, let m = sizes[0], let k = sizes[1], let n = sizes[2],
            [m, k, n].allSatisfy({ 1...1_000_000 ~= $0 }), m * k * n <= 1 << 40
        else { return nil }
        self.init(m, k, n)
    }

    var description: String { "\(rowCount)x\(depth)x\(columnCount)" }

    /// A multiplication and an addition count as two.
    var operationCount: Double { 2 * Double(rowCount) * Double(depth) * Double(columnCount) }

    /// Products that inference really runs, from single rows to square matrices.
    static let inference = [
        ProductShape(1, 384, 384, "MiniLM projection, one row"),
        ProductShape(1, 768, 3072, "BERT feed-forward, one row"),
        ProductShape(1, 4096, 4096, "language model, one row"),
        ProductShape(4, 768, 768, "small batch"),
        ProductShape(8, 768, 3072, "small batch"),
        ProductShape(16, 768, 768, "small batch"),
        ProductShape(32, 384, 1536, "MiniLM feed-forward, 32 tokens"),
        ProductShape(128, 384, 384, "MiniLM projection"),
        ProductShape(128, 384, 1536, "MiniLM feed-forward in"),
        ProductShape(128, 1536, 384, "MiniLM feed-forward out"),
        ProductShape(128, 768, 768, "BERT projection"),
        ProductShape(128, 768, 3072, "BERT feed-forward in"),
        ProductShape(128, 3072, 768, "BERT feed-forward out"),
        ProductShape(512, 768, 768, "BERT projection, batch of 4"),
        ProductShape(3136, 64, 64, "ResNet-50 conv2, 1x1"),
        ProductShape(784, 512, 128, "ResNet-50 conv3, 1x1"),
        ProductShape(196, 1024, 256, "ResNet-50 conv4, 1x1"),
        ProductShape(196, 2304, 256, "ResNet-50 conv4, 3x3"),
        ProductShape(49, 4608, 512, "ResNet-50 conv5, 3x3"),
        ProductShape(128, 784, 512, "digits perceptron"),
        ProductShape(64, 784, 512, "digits perceptron"),
        ProductShape(16, 13, 512, "recommender, dense features"),
        ProductShape(128, 64, 128, "attention scores, one head"),
        ProductShape(256, 256, 256, "square"),
        ProductShape(512, 512, 512, "square"),
        ProductShape(1024, 1024, 1024, "square"),
    ]
}
