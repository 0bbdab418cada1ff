import Testing

@testable import API

/// The text format: what is put in comes out as Prometheus reads it.
struct ExpositionTests {
    private func text(_ put: (inout Exposition) -> Void) -> String {
        var exposition = Exposition()
        put(&exposition)
        return exposition.text
    }

    @Test func aFamilyIsItsHelpItsTypeAndItsSeries() {
        let page = text {
            $0.put(.gauge, "up", "Whether it is up.", 1)
            $0.put(
                .counter, "n_total", "Some.", each: [(["a": "x", "b": "y"], 2), (["a": "z"], 3)])
        }
        #expect(
            page == """
                # HELP up Whether it is up.
                # TYPE up gauge
                up 1
                # HELP n_total Some.
                # TYPE n_total counter
                n_total{a="x",b="y"} 2
                n_total{a="z"} 3

                """)
    }

    @Test(arguments: [
        ("plain", "plain"), ("with \"quotes\"", #"with \"quotes\""#),
        (#"back\slash"#, #"back\\slash"#),
        ("two\nlines", #"two\nlines"#), (#"\n"#, #"\\n"#), ("ü–😀", "ü–😀"), ("", ""),
        ("a=\"b\",c", #"a=\"b\",c"#), ("\r\n", "\r\\n"),
    ])
    func valuesOfLabelsMayBeAnything(_ value: String, _ escaped: String) {
        let page = text { $0.put(.gauge, "g", "h", each: [(["l": value], 1)]) }
        #expect(page.hasSuffix("g{l=\"\(escaped)\"} 1\n"))
    }

    @Test func helpIsOneLineWithItsQuotes() {
        let page = text { $0.put(.gauge, "g", "one\ntwo \"three\" \\", 1) }
        #expect(page.hasPrefix(#"# HELP g one\ntwo "three" \\"# + "\n"))
    }

    @Test(arguments: [
        (0.0, "0"), (-3, "-3"), (1e14, "100000000000000"), (0.25, "0.25"), (1e-6, "1e-06"),
        (1_795_762_525.25425, "1795762525.25425"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        (.nan, "NaN"), (1e300, "1e+300"),
    ])
    func numbersAreAsPrometheusReadsThem(_ value: Double, _ expected: String) {
        #expect(text { $0.put(.gauge, "g", "h", value) }.hasSuffix("g \(expected)\n"))
    }

    @Test func bucketsCountAllThatIsBelowTheirBound() {
        var histogram = Histogram(bounds: [1000, 1_000_000])
        for microseconds: Int64 in [-5, 0, 1000, 1001, 1_000_000, 1_000_001] {
            histogram.add(microseconds)
        }
        let page = text { $0.put("h_seconds", "h", each: [(["k": "v"], histogram)]) }
        #expect(
            page == """
                # HELP h_seconds h
                # TYPE h_seconds histogram
                h_seconds_bucket{k="v",le="0.001"} 3
                h_seconds_bucket{k="v",le="1"} 5
                h_seconds_bucket{k="v",le="+Inf"} 6
                h_seconds_sum{k="v"} 2.002002
                h_seconds_count{k="v"} 6

                """)
    }

    @Test func noSeriesIsNoFamily() {
        #expect(text { $0.put(.gauge, "g", "h", each: []) }.isEmpty)
    }

    @Test func promtoolReadsTheOddestLabels() throws {
        let odd = ["\"", "\\", "\n", "\\n", "\u{0}", "ü", "{}", "a=\"b\"", "# HELP", ""]
        let page = text { $0.put(.gauge, "g", "h", each: odd.map { (["l": $0], 1) }) }
        let result = try Promtool.run(["check", "metrics"], input: page)
        #expect(result.status == 0, "\(result.text)")
    }
}
