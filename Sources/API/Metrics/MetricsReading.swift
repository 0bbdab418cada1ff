import Scheduler
import Traceflow
import Worker

/// All that a page of metrics is made of: what was read at one moment.
struct MetricsReading {
    var version = ""
    var process: ProcessFigures?
    /// Nil before the log is open.
    var work: Work?

    struct Work {
        var fold = MetricsFold()
        /// Nil of a worker that does not decide.
        var figures: DeciderFigures?
        var commits: [CommitKind: Histogram] = [:]
        var slotLateness = Histogram.lateness
        var isDeciding = false
        /// When this worker last looked at everything as the decider.
        var lastPass: Moment?
        /// Nil where nobody is to be told of anything.
        var notificationFailures: Int?
        /// Nil when the log could not be read.
        var log: LogFigures?
    }

    struct LogFigures {
        var lastPosition: Int64
        /// The epoch of the decider's lease; nil while nobody alive holds it.
        var epoch: Int64?
    }
}
