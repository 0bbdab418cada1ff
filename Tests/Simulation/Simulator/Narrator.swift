/// Tells what happens, to whoever follows a run by eye.
struct Narrator: Sendable {
    let time: Timeline
    let print: (@Sendable (String) -> Void)?

    /// `text` is only made when somebody listens.
    func say(_ text: @autoclosure () -> String) {
        guard let print else { return }
        let microseconds = time.now
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        print("\(microseconds / 1_000_000).\(fraction) \(text())")
    }
}
