import HTTPTypes
import Hummingbird
import Kubernetes
import NIOCore
import NIOSSL

/// Finds out who asks.
struct AccessControl: Sendable {
    /// Nil on a loopback address that asks nobody who they are.
    var tokens: TokenFile?
    /// Whether certificates of clients are looked at.
    var takesCertificates = false
    /// Whether the server is reached by names of this host alone.
    var isLoopback = true

    /// Whoever reaches the server may do anything.
    var isOpen: Bool { tokens == nil && !takesCertificates }

    /// Throws Unauthorized.
    func identity(of request: Request, _ context: APIContext) async throws -> Identity {
        if isOpen { return .anybody }
        if let header = request.headers[.authorization] {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer",
                let identity = tokens?.identity(of: String(parts[1]))
            else { throw Self.unauthorized }
            return identity
        }
        if takesCertificates, let identity = try await certified(context) { return identity }
        throw Self.unauthorized
    }

    /// Whom the client's certificate stands for.
    private func certified(_ context: APIContext) async throws -> Identity? {
        let certificate = try await context.channel.nioSSL_peerCertificate().get()
        guard let der = try certificate?.toDERBytes(),
            let subject = CertificateSubject(certificate: der)
        else { return nil }
        return Identity(subject)
    }

    /// A page in a browser may send requests to a server on loopback, also by a name of its own
    /// that it lets point there; neither must be answered.
    func refuseForeignPages(_ request: Request) throws(APIStatus) {
        guard isLoopback else { return }
        if let origin = request.headers[.origin], !Self.isOfThisHost(origin) {
            throw APIStatus(403, .forbidden, "pages of other origins are not answered")
        }
        guard let authority = request.head.authority, !Self.isOfThisHost("//" + authority) else {
            return
        }
        throw APIStatus(
            403, .forbidden, "on loopback the server is localhost, 127.0.0.1 or [::1] alone")
    }

    private static func isOfThisHost(_ text: String) -> Bool {
        guard let start = text.range(of: "//")?.upperBound else { return false }
        var host = text[start...]
        if host.hasPrefix("[") { return host.hasPrefix("[::1]") }
        host = host.prefix { $0 != ":" && $0 != "/" }
        return host == "localhost" || LoopbackAddress.isOfLoopbackNet(String(host))
    }

    /// The client's address, to tell clients apart by.
    func peer(_ context: APIContext) -> String {
        context.channel.remoteAddress?.ipAddress ?? ""
    }

    static let unauthorized = APIStatus(401, .unauthorized, "Unauthorized")
}
