import JobLog
import Scheduler
import TraceLog

/// The request of a member, yet to be recorded.
package struct DraftedMember {
    package var number: Int64
    package var symbols: RequestSymbols
    package var facts: SchedulingFacts

    package init(number: Int64, symbols: RequestSymbols, facts: SchedulingFacts) {
        self.number = number
        self.symbols = symbols
        self.facts = facts
    }
}

/// The members of one sweep as they are recorded.
///
/// Members differ in their ends, in the port and in where they may be seen. What the log keeps of
/// each of these is looked up once, so that a member costs no text.
final class MemberDrafts {
    private let plan: SweepPlan
    /// By the places of Pods.
    private var sources = NumberTable<Symbol>()
    private var destinations = NumberTable<Symbol>()
    /// By port and family.
    private var templates = NumberTable<Symbol>()
    private var places = NumberTable<Place>()

    /// Where members may be seen, which depends on the first node, the last Pod and the family,
    /// and what scheduling knows of them, which depends on that.
    private struct Place {
        var scope: Symbol?
        var facts: SchedulingFacts
    }

    /// Beyond so many places they are looked up anew.
    private static let placesMax = 200_000

    init(_ plan: SweepPlan) { self.plan = plan }

    func members(_ range: Range<Int64>, _ coding: TraceCoding) throws -> [DraftedMember] {
        try plan.numbered(range).map { member in
            let family: Int64 = member.family == .v6 ? 1 : 0
            let kind = 2 * Int64(member.port) + family
            let node = Int64(plan.pairs.node(of: member.source))
            let place =
                2 * (node * Int64(plan.pairs.pods.count) + Int64(member.destination)) + family
            if let template = templates[kind], let from = sources[Int64(member.source)],
                let to = destinations[Int64(member.destination)], let place = places[place]
            {
                return DraftedMember(
                    number: member.number,
                    symbols: RequestSymbols(
                        template: template, source: from, destination: to, scope: place.scope),
                    facts: place.facts)
            }
            let request = plan.request(of: member)
            let symbols = try coding.symbols(of: request)
            templates.put(symbols.template, at: kind)
            if let from = symbols.source { sources.put(from, at: Int64(member.source)) }
            if let to = symbols.destination { destinations.put(to, at: Int64(member.destination)) }
            if places.count >= Self.placesMax { places.removeAll() }
            places.put(Place(scope: symbols.scope, facts: request.facts), at: place)
            return DraftedMember(number: member.number, symbols: symbols, facts: request.facts)
        }
    }
}
