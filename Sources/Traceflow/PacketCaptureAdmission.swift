/// Antrea's admission of PacketCaptures (v2.7): whoever sets or changes the file server must be
/// allowed to read the Secret that holds its credentials.
public enum PacketCaptureAdmission {
    public static let secretName = "antrea-packetcapture-fileserver-auth"

    /// Why the request is denied; nil when it is not.
    ///
    /// `mayGetSecret` is asked only where the server is new or another; when it cannot answer, the
    /// request is denied.
    public static func denial(
        of new: PacketCaptureSpec.FileServer?, replacing old: PacketCaptureSpec.FileServer? = nil,
        mayGetSecret: () throws -> Bool
    ) -> String? {
        guard let new, new != old else { return nil }
        do {
            guard try mayGetSecret() else {
                return "fileServer: not allowed to get Secret \(secretName)"
            }
            return nil
        } catch {
            return "fileServer: whether Secret \(secretName) may be read is not known: \(error)"
        }
    }
}
