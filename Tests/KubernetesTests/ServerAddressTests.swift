@testable import Kubernetes
import Testing

@Suite("Where a URL leads")
struct ServerAddressTests {
    @Test(
        "its parts",
        arguments: [
            ("https://host/a?b", "https://host:443/a?b"), ("http://host", "http://host:80"),
            ("HTTPS://[fd00::1]:6443/", "https://[fd00::1]:6443/"),
            ("https://10.0.0.1:6443/k8s/c1", "https://10.0.0.1:6443/k8s/c1"),
        ])
    func parts(_ url: String, _ whole: String) {
        #expect(ServerAddress(url)?.url == whole)
    }

    @Test(
        "what leads nowhere",
        arguments: [
            "", "host", "ftp://host", "https://", "https://h:x", "https://u@h", "https://[::1",
        ])
    func nowhere(_ url: String) {
        #expect(ServerAddress(url) == nil)
    }

    @Test("text in a URL is its octets")
    func encoding() {
        #expect(
            PercentEncoding.text("a=b,c in (d) €/~") == "a%3Db%2Cc%20in%20%28d%29%20%E2%82%AC%2F~")
    }
}
