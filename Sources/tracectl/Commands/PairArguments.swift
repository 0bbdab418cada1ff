import ArgumentParser
import Cluster
import Foundation

/// `tcp/80`.
enum PortText {
    static func parse(_ text: String) throws -> Reachability.Port {
        let parts = text.split(separator: "/")
        guard parts.count == 2, ["tcp", "udp", "sctp"].contains(parts[0].lowercased()),
            let number = Int(parts[1]), (1...65535).contains(number)
        else { throw ValidationError("\"\(text)\" is not a port such as tcp/80, udp/53 or sctp/9") }
        return Reachability.Port(protocol: parts[0].uppercased(), number: number)
    }
}

/// The file of `--pairs`.
enum PairFile {
    static func read(_ path: String) throws -> [PairQuestion] {
        let data =
            path == "-"
            ? FileHandle.standardInput.readDataToEndOfFile()
            : FileManager.default.contents(atPath: path)
        guard let data else { throw CommandFailure("\(path): the file cannot be read") }
        let rows: [Any]
        do {
            rows = try JSONSerialization.jsonObject(with: data) as? [Any] ?? []
        } catch {
            throw CommandFailure("\(path): not JSON: \(error.localizedDescription)")
        }
        return try rows.enumerated().map { index, row in
            guard let row = row as? [Any], row.count >= 4, let source = row[0] as? String,
                let destination = row[1] as? String, let name = row[2] as? String,
                let port = row[3] as? Int
            else {
                throw CommandFailure(
                    "\(path): pair \(index + 1): expected [source, destination, protocol, port]")
            }
            return PairQuestion(
                source: source, destination: destination, protocol: name, port: port)
        }
    }
}
