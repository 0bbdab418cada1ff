extension Ledger {
    /// Traces that are Pending or Running, for people.
    var openOnes: String {
        var told: [String] = []
        for (number, story) in stories.enumerated() where told.count < 5 {
            guard let story, !story.phase.isTerminal else { continue }
            told.append("trace \(number) is \(story.phase.rawValue) in attempt \(story.attempt)")
        }
        return "\(openCount) are open; " + told.joined(separator: ", ")
    }
}
