import Testing
import Traceflow

struct AddressTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("fd00:10:10::10", "fd00:10:10::10"),
        ("FD00:0010:0010:0:0:0:0:10", "fd00:10:10::10"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1::", "1::"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
    ])
    func addressesAreReadAndPrintedInCanonicalForm(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: 0..<4)
    func everyPartOfAnIPv4AddressIsPrintedWithoutLeadingZeros(place: Int) {
        for value in 0...255 {
            var parts = [10, 0, 200, 9]
            parts[place] = value
            let address = IPAddress(
                family: .v4, bits: parts.reduce(0) { $0 << 8 | UInt128($1) })
            #expect(address.description == parts.map(String.init).joined(separator: "."))
        }
    }

    @Test(arguments: [
        "", "1.1.1.300", "1.1.1", "1.1.1.1.1", "01.1.1.1", "1.1.1.1 ", "x", ":", ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::1%eth0", "1.2.3.4::", "+1::", "1:", ":1",
        "::+f",
        "1:2:3:4:5:6:7:8::",
    ])
    func whatIsNoAddressIsNil(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/24", "10.1.2.200", true), ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "1.2.3.4", false), ("::/0", "fd00::1", true),
        ("fd00::/64", "fd00::ffff", true), ("fd00::/64", "fd00:0:0:1::", false),
        ("1.2.3.4/32", "1.2.3.4", true), ("1.2.3.4/32", "1.2.3.5", false),
    ])
    func aRangeHoldsTheAddressesOfItsFamilyUnderItsPrefix(
        range: String, address: String, inside: Bool
    ) throws {
        let range = try #require(CIDR(range))
        #expect(range.contains(try #require(IPAddress(address))) == inside)
    }

    @Test(arguments: [
        "10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "x/8", "/8",
    ])
    func whatIsNoRangeIsNil(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test func theGatewayIsTheFirstAddressOfARange() throws {
        #expect(try #require(CIDR("10.10.1.0/24")).firstHost.description == "10.10.1.1")
        #expect(try #require(CIDR("fd00:10:10::/64")).firstHost.description == "fd00:10:10::1")
    }
}
