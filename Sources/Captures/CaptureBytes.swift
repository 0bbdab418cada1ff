/// The bytes of one file of an archive, wherever it lies.
public protocol CaptureBytes {
    /// How many there are.
    func count() throws(CaptureError) -> Int64
    /// As many as there are from the offset on, up to the count.
    func read(from offset: Int64, count: Int) throws(CaptureError) -> [UInt8]
}
