import Kubernetes
import Testing

@testable import API

/// Selectors, and the small things that requests are read by.
struct SelectorTests {
    @Test(
        arguments: [
            ("", true), ("a=b", true), ("a==b", true), ("a!=b", false), ("a=c", false),
            ("x!=b", true), ("a", true), ("!a", false), ("!x", true), ("a in (b, c)", true),
            ("a in (c)", false), ("a notin (c),x notin (y)", true), ("a=b,x=y", false),
            ("example.com/a", false),
        ])
    func labelsAreSelected(text: String, isSelected: Bool) throws {
        let labels = ["a": "b"]
        let selector = try Selector(labels: text)
        #expect(
            selector.labels.allSatisfy { $0.selects(labels[$0.key]) } == isSelected, "\(text)")
    }

    @Test(arguments: ["=", "a in b", "a in", "a near (b)", "(a)", "a b", "!", "a in (b"])
    func whatIsNoSelectorIsRefused(text: String) {
        #expect { try Selector(labels: text) } throws: { ($0 as? APIStatus)?.code == 400 }
    }

    @Test func aNameIsFoundWithoutLooking() throws {
        #expect(try Selector(fields: "metadata.name=x").name == "x")
        #expect(try Selector(fields: "metadata.name!=x").name == nil)
        #expect { try Selector(fields: "spec.timeout=1") } throws: {
            ($0 as? APIStatus)?.code == 400
        }
    }

    @Test func streamsThatFollowEachOtherAreOneRange() {
        var ranges = StreamRanges()
        for stream in [5, 6, 7, 9, 3, 4, 8, 20, 1, 20] as [Int64] { ranges.insert(stream) }
        for stream in 1...25 as ClosedRange<Int64> {
            #expect(ranges.contains(stream) == [1, 3, 4, 5, 6, 7, 8, 9, 20].contains(stream))
        }
        #expect("\(ranges)".components(separatedBy: "...").count - 1 == 3)
    }

    @Test func aCursorComesBackAsItWent() throws {
        let cursor = ListCursor(position: 7, name: "a b")
        #expect(try ListCursor(cursor.text) == cursor)
        #expect(throws: APIStatus.self) { try ListCursor("x") }
    }

    @Test func aUIDIsStableAndUnique() {
        let first = UIDs.text(logID: "abc", stream: 1)
        #expect(first == UIDs.text(logID: "abc", stream: 1))
        #expect(first != UIDs.text(logID: "abc", stream: 2))
        #expect(first != UIDs.text(logID: "abd", stream: 1))
        #expect(first.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    }

    @Test func aClientMayAskSoOftenAndNoMore() {
        let limit = RateLimit(perSecond: 10, burst: 3)
        let asked = (0..<5).map { _ in limit.take("a", at: 0) }
        #expect(asked == [true, true, true, false, false])
        #expect(limit.take("b", at: 0), "others are not held back")
        #expect(limit.take("a", at: 100_000))
        #expect(!limit.take("a", at: 100_000))
    }

    @Test func aLabelHasKubernetesSyntax() {
        for key in ["a", "a.b/c-d", "A1"] { #expect(LabelSyntax.fault(key: key) == nil) }
        for key in ["", "/a", "a/", "a b", "-a", "a/b/c", String(repeating: "a", count: 64)] {
            #expect(LabelSyntax.fault(key: key) != nil, "\(key)")
        }
        #expect(LabelSyntax.fault(value: "") == nil)
    }
}
