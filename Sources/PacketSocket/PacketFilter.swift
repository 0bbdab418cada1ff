import Packets
import Traceflow

/// A program that the kernel runs on each packet before it copies any of it (classic BPF).
///
/// It lets through what may match, and never keeps out what does: who decides looks at the decoded
/// packet again. So it lets pass on their addresses alone the packets of IPv6 with extension
/// headers, which a program without loops cannot step over. Of a fragment that is not the first it
/// knows no ports, flags or messages; where one is asked for, the fragment does not match.
///
/// Frames may have tags in them: the kernel takes out the outermost one, and puts none before the
/// filter looks.
public struct PacketFilter: Hashable, Sendable {
    public let instructions: [FilterInstruction]

    /// As many as a kernel takes (BPF_MAXINSNS).
    public static let instructionsMax = 4096
    /// What a filter may ask to be kept of each packet: more than any packet has.
    public static let snaplenMax = 262_144

    /// Lets nothing through.
    public static let nothing = PacketFilter(instructions: [
        FilterInstruction(code: FilterAssembler.Operation.give.rawValue)
    ])

    private init(instructions: [FilterInstruction]) { self.instructions = instructions }

    /// Lets through what may match any of them, cut to `snaplen` bytes.
    ///
    /// Refused when it would be longer than a kernel takes, which some hundred matches are.
    public init(
        passing matches: [PacketMatch], on link: LinkType, snaplen: Int
    ) throws(PacketSocketError) {
        let kept = UInt32(clamping: min(max(1, snaplen), Self.snaplenMax))
        var builder = FilterBuilder(link: link)
        guard builder.begin() else {
            throw PacketSocketError(
                .unsupportedLink, at: "filter", "frames of this link cannot be filtered")
        }
        // A frame that ends before what a match looks at ends the program: those that look least
        // far come first.
        let possible = matches.filter { !$0.isImpossible }
        for match in possible where !match.looksAtTransport { builder.add(match) }
        for match in possible where match.looksAtTransport { builder.add(match) }
        guard let program = builder.finished(kept: kept), program.count <= Self.instructionsMax
        else {
            throw PacketSocketError(
                .filterTooLong, at: "filter",
                "it has more than \(Self.instructionsMax) instructions; ask for fewer packets")
        }
        instructions = program
    }
}

/// Writes the program: X is where the IP packet begins, later where its payload does.
private struct FilterBuilder {
    private let link: LinkType
    private var code = FilterAssembler()
    private let pass: FilterAssembler.Label

    /// The decoder steps over three tags, of which the kernel may have taken one.
    private static let tagsMax = 3
    private static let tags: [UInt32] = [0x8100, 0x88a8, 0x9100]
    private static let ethernetHeader: UInt32 = 14
    /// Hop-by-hop, routing, fragment and destination options, which the decoder steps over.
    private static let extensionHeaders: [UInt32] = [0, 43, 44, 60]

    /// Words of scratch memory would be lost between matches: the start is found anew for each.
    init(link: LinkType) {
        self.link = link
        pass = code.newLabel()
    }

    /// Whether frames of the link can be looked into.
    func begin() -> Bool { link == .ethernet || link == .rawIP }

    mutating func add(_ match: PacketMatch) {
        let next = code.newLabel()
        findStart(of: match.family, orGoTo: next)
        switch match.family {
        case .v4: v4(match, orGoTo: next)
        case .v6: v6(match, orGoTo: next)
        }
        code.here(next)
    }

    mutating func finished(kept: UInt32) -> [FilterInstruction]? {
        code.put(.give, 0)
        code.here(pass)
        code.put(.give, kept)
        return code.assembled()
    }

    /// X becomes where the IP packet begins, if it is of the family.
    private mutating func findStart(
        of family: IPAddress.Family, orGoTo next: FilterAssembler.Label
    ) {
        let start = code.newLabel()
        if link == .ethernet {
            let type: UInt32 = family == .v4 ? 0x0800 : 0x86dd
            for tags in 0...Self.tagsMax {
                let place = UInt32(tags) * 4
                code.put(.loadX, Self.ethernetHeader + place)
                code.put(.half, Self.ethernetHeader - 2 + place)
                code.when(.equals, type, goTo: start)
                guard tags < Self.tagsMax else { break }
                let tagged = code.newLabel()
                for tag in Self.tags { code.when(.equals, tag, goTo: tagged) }
                code.goTo(next)
                code.here(tagged)
            }
            code.goTo(next)
        } else {
            code.put(.loadX, 0)
        }
        code.here(start)
        code.put(.byteBehindX, 0)
        code.put(.and, 0xf0)
        code.unless(.equals, family == .v4 ? 0x40 : 0x60, goTo: next)
    }

    private mutating func address(
        _ address: IPAddress?, at place: UInt32, orGoTo next: FilterAssembler.Label
    ) {
        guard let address else { return }
        for word in 0..<UInt32(address.width / 32) {
            let shift = UInt128(address.width) - 32 * UInt128(word + 1)
            code.put(.wordBehindX, place + word * 4)
            code.unless(
                .equals, UInt32(truncatingIfNeeded: address.bits >> shift), goTo: next)
        }
    }

    private mutating func v4(_ match: PacketMatch, orGoTo next: FilterAssembler.Label) {
        address(match.source, at: 12, orGoTo: next)
        address(match.destination, at: 16, orGoTo: next)
        let protocols = match.protocols
        guard match.looksAtTransport || protocols != nil else { return code.goTo(pass) }
        code.put(.byteBehindX, 9)
        isOne(of: protocols, orGoTo: next)
        guard match.looksAtTransport else { return code.goTo(pass) }
        code.put(.halfBehindX, 6)
        code.when(.hasBits, 0x1fff, goTo: next)
        // The header's length, in words, is where its payload begins.
        code.put(.byteBehindX, 0)
        code.put(.and, 0xf)
        code.put(.shiftLeft, 2)
        code.put(.addX)
        code.put(.moveToX)
        transport(match, behind: 0, orGoTo: next)
    }

    private mutating func v6(_ match: PacketMatch, orGoTo next: FilterAssembler.Label) {
        address(match.source, at: 8, orGoTo: next)
        address(match.destination, at: 24, orGoTo: next)
        let protocols = match.protocols
        guard match.looksAtTransport || protocols != nil else { return code.goTo(pass) }
        code.put(.byteBehindX, 6)
        for header in Self.extensionHeaders { code.when(.equals, header, goTo: pass) }
        isOne(of: protocols, orGoTo: next)
        guard match.looksAtTransport else { return code.goTo(pass) }
        transport(match, behind: 40, orGoTo: next)
    }

    private mutating func isOne(of numbers: [UInt8]?, orGoTo next: FilterAssembler.Label) {
        guard let numbers, let last = numbers.last else { return }
        let found = code.newLabel()
        for number in numbers.dropLast() { code.when(.equals, UInt32(number), goTo: found) }
        code.unless(.equals, UInt32(last), goTo: next)
        code.here(found)
    }

    private mutating func transport(
        _ match: PacketMatch, behind header: UInt32, orGoTo next: FilterAssembler.Label
    ) {
        if let port = match.sourcePort {
            code.put(.halfBehindX, header)
            code.unless(.equals, UInt32(port), goTo: next)
        }
        if let port = match.destinationPort {
            code.put(.halfBehindX, header + 2)
            code.unless(.equals, UInt32(port), goTo: next)
        }
        if !match.flags.isEmpty { flags(match.flags, at: header + 13, orGoTo: next) }
        if !match.messages.isEmpty { messages(match.messages, at: header, orGoTo: next) }
        code.goTo(pass)
    }

    private mutating func flags(
        _ flags: [PacketMatch.Flags], at place: UInt32, orGoTo next: FilterAssembler.Label
    ) {
        let found = code.newLabel()
        for one in flags {
            code.put(.byteBehindX, place)
            code.put(.and, UInt32(one.mask))
            code.when(.equals, UInt32(one.value & one.mask), goTo: found)
        }
        code.goTo(next)
        code.here(found)
    }

    private mutating func messages(
        _ messages: [PacketMatch.Message], at place: UInt32, orGoTo next: FilterAssembler.Label
    ) {
        let found = code.newLabel()
        for message in messages {
            let other = code.newLabel()
            code.put(.byteBehindX, place)
            code.unless(.equals, UInt32(message.type), goTo: other)
            if let number = message.code {
                code.put(.byteBehindX, place + 1)
                code.unless(.equals, UInt32(number), goTo: other)
            }
            code.goTo(found)
            code.here(other)
        }
        code.goTo(next)
        code.here(found)
    }
}
