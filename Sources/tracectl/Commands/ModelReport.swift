import API
import Cluster
import Foundation
import Scheduler
import Traceflow
import Worker

/// Holds traces against the model of the cluster they were made against.
struct ModelReport {
    private let store: ClusterStore
    private let printing: PrintOptions
    /// When a policy, or who it selects, was changed last, where the cluster tells.
    private let changedAt: Moment?

    init(_ store: ClusterStore, _ resources: [Resource], _ printing: PrintOptions) {
        self.store = store
        self.printing = printing
        changedAt = resources.filter { $0.kind != "Node" }.compactMap(\.change?.at).max()
    }

    /// Says where they differ; returns whether they do nowhere.
    func agrees(with views: [TraceView]) throws -> Bool {
        var isSame = true
        for view in views {
            let finder = try store.pathFinder(for: view.request)
            let answer = ModelAnswer(of: view.request.spec, view.request.apiVersion, finder)
            switch ModelComparison(view.trace, answer, changedAt: changedAt) {
            case .unknowable: Output.note("\(view.name): there is nothing to compare")
            case .agrees: Output.note("\(view.name): trace and model agree")
            case .unsettled(let answer):
                Output.note(
                    "\(view.name): trace and model differ, but the cluster changed just before:"
                        + " ask again")
                show(view, answer)
            case .disagrees(let answer):
                isSame = false
                Output.note(
                    "\(view.name): the cluster says \(word(view.trace.verdict)), the model"
                        + " \(answer.verdict.rawValue)")
                show(view, answer)
            }
        }
        return isSame
    }

    private func word(_ verdict: Verdict?) -> String { verdict?.rawValue ?? "nothing" }

    private func show(_ view: TraceView, _ answer: ModelAnswer) {
        let printer = TreePrinter()
        var model = TracePath(view, results: answer.results)
        model.isLost = answer.verdict == .lost
        let observed = ["on the cluster"] + printer.steps(of: TracePath(view))
        let expected = ["by the model"] + printer.steps(of: model)
        Output.result(SideBySide.text(observed, expected, columns: PrintOptions.columns))
    }
}

/// Two texts beside each other, or one under the other where there is no room.
enum SideBySide {
    static func text(_ left: [String], _ right: [String], columns: Int?) -> String {
        let width = left.map(\.count).max() ?? 0
        let rightWidth = right.map(\.count).max() ?? 0
        if let columns, width + rightWidth + 3 > columns {
            return (left + right).map { $0 + "\n" }.joined()
        }
        return (0..<max(left.count, right.count)).map { row in
            let begin = row < left.count ? left[row] : ""
            let end = row < right.count ? right[row] : ""
            let padding = String(repeating: " ", count: width - begin.count)
            return end.isEmpty ? begin + "\n" : begin + padding + "   " + end + "\n"
        }.joined()
    }
}
