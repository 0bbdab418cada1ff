import PacketSocket
import Testing

@Suite("addresses of interfaces")
struct InterfaceAddressTests {
    @Test(
        "what names an interface is read, and written as it was",
        arguments: [
            ("iface:eth0", "eth0", nil, nil),
            ("iface:lo", "lo", nil, nil),
            ("iface:eth0.100", "eth0.100", nil, nil),
            ("iface:123456789012345", "123456789012345", nil, nil),
            ("iface:ä-ö", "ä-ö", nil, nil),
            ("iface:v0@web", "v0", "web", "/run/netns/web"),
            ("iface:v0@/proc/7/ns/net", "v0", "/proc/7/ns/net", "/proc/7/ns/net"),
            // Only the first one parts them.
            ("iface:v0@a@b", "v0", "a@b", "/run/netns/a@b"),
        ] as [(String, String, String?, String?)])
    func isRead(text: String, name: String, namespace: String?, path: String?) throws {
        let address = try InterfaceAddress(text)
        #expect(address.name == name)
        #expect(address.namespace == namespace)
        #expect(address.namespacePath == path)
        #expect(address.description == text)
    }

    @Test(
        "what no interface can be called is refused in one line that says why",
        arguments: [
            ("eth0", "iface:NAME"), ("", "iface:NAME"), ("IFACE:eth0", "iface:NAME"),
            ("iface:", "no name"), ("iface:@web", "no name"),
            ("iface:1234567890123456", "at most 15 bytes"),
            // Eight letters of two bytes each.
            ("iface:äääääääää", "at most 15 bytes"),
            ("iface:a/b", "no \"/\""), ("iface:a b", "no blank"), ("iface:a:b", "no \":\""),
            ("iface:.", "called \".\""),
            ("iface:..", "called \"..\""), ("iface:v0@", "namespace has no name"),
            ("iface:v0@a/b", "absolute path"), ("iface:v0@..", "absolute path"),
            ("iface:v0@" + String(repeating: "n", count: 256), "at most 255 bytes"),
            ("iface:v0@/" + String(repeating: "n", count: 4095), "at most 4095 bytes"),
        ])
    func isRefused(text: String, why: String) {
        #expect {
            try InterfaceAddress(text)
        } throws: { error in
            (error as? PacketSocketError)?.code == .address && "\(error)".contains(why)
        }
    }

    @Test("bytes that break lines are refused, and do not break the line", arguments: [0, 10, 127])
    func controlBytes(byte: UInt8) {
        let odd = String(decoding: [97, byte, 98], as: UTF8.self)
        for text in ["iface:" + odd, "iface:v0@" + odd, "iface:v0@/" + odd] {
            #expect {
                try InterfaceAddress(text)
            } throws: { error in
                "\(error)".contains("a?b: ") && "\(error)".contains("control byte")
            }
        }
    }

    @Test("files are not taken for interfaces")
    func filesAreNone() {
        #expect(InterfaceAddress.isMeant(by: "iface:"))
        #expect(!InterfaceAddress.isMeant(by: "./iface:eth0"))
        #expect(!InterfaceAddress.isMeant(by: "traffic.pcap"))
    }
}
