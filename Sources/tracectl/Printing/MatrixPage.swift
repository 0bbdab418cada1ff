import API
import Cluster

/// A matrix as one page that needs nothing else: a heat map with the deciding rules on hover.
///
/// Rows hold runs of reasons, so that a thousand Pods make a page of some megabytes at most.
enum MatrixPage {
    static func html(_ matrix: some VerdictMatrix) -> String {
        let ports = matrix.ports.map { OutputValue.string($0.text) }
        let data = OutputValue.map([
            .init(key: "sources", value: strings(matrix.sources)),
            .init(key: "destinations", value: strings(matrix.destinations)),
            .init(key: "ports", value: .list(ports)),
            .init(key: "reasons", value: strings(matrix.reasons)),
            .init(
                key: "rows",
                value: .list(
                    matrix.ports.indices.map { port in
                        .list(matrix.sources.indices.map { .string(row(matrix, $0, port)) })
                    })),
        ]).compactJSON.replacing("<", with: "\\u003c")
        return head + data + script
    }

    private static func strings(_ texts: [String]) -> OutputValue {
        .list(texts.map { .string(printable($0)) })
    }

    /// `VERDICT.EGRESS.INGRESS*COUNT` for each run of pairs alike; 0 is dropped, 1 delivered,
    /// 2 rejected, 3 the Pod itself or not traced, 4 anything else; 10 more when inferred.
    private static func row(_ matrix: some VerdictMatrix, _ from: Int, _ port: Int) -> String {
        var runs: [String] = []
        var last = ""
        var count = 0
        func close() { if count > 0 { runs.append(count == 1 ? last : "\(last)*\(count)") } }
        for to in matrix.destinations.indices {
            let cell = cell(matrix, from, to, port)
            if cell != last {
                close()
                (last, count) = (cell, 0)
            }
            count += 1
        }
        close()
        return runs.joined(separator: " ")
    }

    private static func cell(
        _ matrix: some VerdictMatrix, _ from: Int, _ to: Int, _ port: Int
    ) -> String {
        if matrix.isSamePod(from, to) { return "3" }
        var verdict =
            switch matrix.cell(from, to, port: port) {
            case .delivered: 1
            case .rejected: 2
            case .dropped: 0
            case .forwardedOutOfNetwork, .lost, .unknown: 4
            case nil: 3
            }
        if matrix.isInferred(from, to, port: port) { verdict += 10 }
        guard let reason = matrix.reason(from, to, port: port) else { return "\(verdict)" }
        return "\(verdict).\(reason.egress).\(reason.ingress)"
    }

    private static let head = """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>Reachability of Pods</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <style>
        body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff; }
        #map { overflow: auto; max-height: 85vh; border: 1px solid #999; }
        canvas { display: block; image-rendering: pixelated; }
        #told { position: fixed; pointer-events: none; background: #fff; border: 1px solid #333;
          padding: .4rem .6rem; max-width: 40rem; display: none; white-space: pre-line; }
        .key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; }
        </style></head><body>
        <h1>Reachability of Pods</h1>
        <p><label>Port <select id="port"></select></label>
        <span class="key" style="background:\(MatrixDrawing.delivered)"></span>delivered
        <span class="key" style="background:\(MatrixDrawing.dropped)"></span>dropped
        <span class="key" style="background:\(MatrixDrawing.rejected)"></span>rejected
        <span class="key" style="background:\(MatrixDrawing.other)"></span>other
        <span id="count"></span></p>
        <div id="map">
        <canvas id="grid" role="img" aria-label="Rows send, columns receive"></canvas></div>
        <div id="told" role="tooltip"></div>
        <script type="application/json" id="data">
        """

    private static let script = """
        </script><script>
        "use strict";
        const data = JSON.parse(document.getElementById("data").textContent);
        const colors = ["\(MatrixDrawing.dropped)", "\(MatrixDrawing.delivered)",
          "\(MatrixDrawing.rejected)", "#dddddd", "\(MatrixDrawing.other)"];
        const grid = document.getElementById("grid"), told = document.getElementById("told");
        const select = document.getElementById("port"), across = data.destinations.length;
        const down = data.sources.length, space = name => name.split("/")[0];
        const cell = Math.max(1, Math.min(16, Math.floor(1000 / Math.max(across, down, 1))));
        let rows = [];
        function read(text) {
          const cells = [];
          for (const run of text.split(" ")) {
            if (!run) continue;
            const [what, count] = run.split("*");
            const parts = what.split(".").map(Number);
            for (let i = 0; i < Number(count || 1); i++) cells.push(parts);
          }
          return cells;
        }
        function draw(port) {
          rows = data.rows[port].map(read);
          grid.width = across * cell; grid.height = down * cell;
          const pen = grid.getContext("2d");
          let open = 0, all = 0;
          rows.forEach((row, y) => row.forEach((parts, x) => {
            pen.fillStyle = colors[parts[0] % 10];
            pen.fillRect(x * cell, y * cell, cell, cell);
            if (parts[0] !== 3) { all++; if (parts[0] % 10 === 1) open++; }
          }));
          pen.fillStyle = "#000000";
          data.destinations.forEach((name, x) => {
            if (x && space(name) !== space(data.destinations[x - 1]))
              pen.fillRect(x * cell, 0, 1, grid.height);
          });
          data.sources.forEach((name, y) => {
            if (y && space(name) !== space(data.sources[y - 1]))
              pen.fillRect(0, y * cell, grid.width, 1);
          });
          document.getElementById("count").textContent =
            " \\u2014 " + open + " of " + all + " pairs may speak";
        }
        grid.addEventListener("mousemove", event => {
          const box = grid.getBoundingClientRect();
          const x = Math.floor((event.clientX - box.left) / cell);
          const y = Math.floor((event.clientY - box.top) / cell);
          const parts = rows[y] && rows[y][x];
          if (!parts) { told.style.display = "none"; return; }
          const verdict = ["dropped", "delivered", "rejected", "nothing traced",
            "lost, out of the network or not known"][parts[0] % 10]
            + (parts[0] >= 10 ? " (inferred from a pair like it)" : "");
          told.textContent = data.sources[y] + " \\u2192 " + data.destinations[x] + ": " + verdict
            + (parts.length > 1 ? "\\negress: " + data.reasons[parts[1]]
            + "\\ningress: " + data.reasons[parts[2]] : "");
          told.style.display = "block";
          const [right, bottom] = [innerWidth - told.offsetWidth, innerHeight - told.offsetHeight];
          told.style.left = Math.min(event.clientX + 14, right - 8) + "px";
          told.style.top = Math.min(event.clientY + 14, bottom - 8) + "px";
        });
        grid.addEventListener("mouseleave", () => { told.style.display = "none"; });
        data.ports.forEach((name, index) => select.add(new Option(name, index)));
        select.addEventListener("change", () => draw(Number(select.value)));
        draw(0);
        </script></body></html>

        """
}
