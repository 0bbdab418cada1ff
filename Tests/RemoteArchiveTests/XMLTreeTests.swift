import Testing

@testable import RemoteArchive

@Suite("Answers of S3") struct XMLTreeTests {
    @Test("elements, text and entities are read; attributes are passed over") func read() throws {
        let text =
            "<?xml version=\"1.0\" encoding='UTF-8'?>\n<A xmlns=\"x>y\" b = 'c'>".replacing(
                " = ", with: "=") + "\n <B>a&amp;b&lt;&#x41;&#66;&quot;</B><C/><B>ä</B></A>\n"
        let tree = try XMLTree.parse(Array(text.utf8))
        #expect(tree.name == "A")
        #expect(tree["B"] == "a&b<AB\"")
        #expect(tree.all("B").map(\.text) == ["a&b<AB\"", "ä"])
        #expect(tree.first("C") == XMLTree(name: "C"))
        #expect(tree["D"] == nil)
    }

    @Test(
        "anything else is refused with its byte",
        arguments: [
            "", " ", "text", "<", "<>", "<A", "<A>", "<A></B>", "<A></A", "<A></A><B></B>",
            "<A></A>x",
            "<A>&</A>", "<A>&x;</A>", "<A>&#xD800;</A>", "<A>&#;</A>", "<A b></A>", "<A b=c></A>",
            "<A b='c></A>", "<!DOCTYPE A><A></A>", "<A><!-- x --></A>", "<A><![CDATA[x]]></A>",
            "<A><?x?></A>", "<?xml", String(repeating: "<A>", count: 17),
            "<" + String(repeating: "a", count: 101) + "></A>",
        ])
    func refused(text: String) throws {
        let error = try failure { try XMLTree.parse(Array(text.utf8)) }
        #expect(error.code == .malformedAnswer)
        #expect(error.message.contains("at byte "))
    }

    @Test("bytes that are no text are refused") func bytes() throws {
        #expect(
            try failure { try XMLTree.parse([60, 65, 62, 0xFF, 60, 47, 65, 62]) }.code
                == .malformedAnswer)
    }

    @Test("whatever is cut or altered is read or refused") func altered() {
        let whole = Array(
            "<?xml version=\"1.0\"?><A x=\"1\"><B>1&amp;2</B><C><D>&#65;</D></C></A>".utf8)
        for index in whole.indices {
            #expect(throws: RemoteError.self) { try XMLTree.parse(Array(whole[..<index])) }
            for byte: UInt8 in [0, 38, 47, 60, 62, 255] {
                var other = whole
                other[index] = byte
                do { _ = try XMLTree.parse(other) } catch {
                    #expect(error.code == .malformedAnswer)
                }
            }
        }
    }

    @Test(
        "checksums are read as servers write them",
        arguments: [
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", true, nil),
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-9", true, 9),
            ("", false, nil), ("-9", false, nil), ("AAAA", false, nil), ("AAAA-x", false, nil),
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-9-9", false, nil),
        ] as [(String, Bool, Int?)])
    func checksum(text: String, isOne: Bool, parts: Int?) {
        let empty = S3Client.digestOfNothing
        let expected =
            parts.map { RemoteChecksum.sha256OfParts(empty, parts: $0) } ?? .sha256(empty)
        #expect(S3Answers.checksum(text) == (isOne ? expected : nil))
    }
}
