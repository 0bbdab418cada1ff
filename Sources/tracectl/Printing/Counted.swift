/// A number and what it counts: `1 packet`, `3 packets`.
func counted(_ count: Int, _ what: String) -> String {
    "\(count) \(what)\(count == 1 ? "" : "s")"
}
