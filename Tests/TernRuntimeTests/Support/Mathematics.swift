import Glibc

extension Double {
    static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
}

extension Float {
    static func tanh(_ x: Float) -> Float { Glibc.tanhf(x) }
}
