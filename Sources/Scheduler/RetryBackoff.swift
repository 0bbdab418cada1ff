/// How long a failed trace rests before it is tried again: Antrea's work-queue figures.
public enum RetryBackoff {
    public static let firstSeconds = 5
    public static let longestSeconds = 300

    /// Seconds before the `number`-th retry (from 1): 5, 10, 20, … 300.
    public static func seconds(beforeRetry number: Int) -> Int {
        let doublings = min(max(number - 1, 0), 10)
        return min(firstSeconds << doublings, longestSeconds)
    }
}
