import ArgumentParser
import Traceflow

/// Which packets a trace keeps, in the words of Antrea's PacketCapture.
struct CaptureOptions: ParsableArguments {
    @Option(
        name: .customLong("capture"),
        help: ArgumentHelp(
            "Keep the first packets of the trace at each point, their headers alone.",
            valueName: "number"))
    var firstN: Int?

    @Option(
        help: ArgumentHelp("Keep so many bytes of each packet, payload too.", valueName: "bytes"))
    var snaplen: Int?

    @Option(
        name: .customLong("capture-point"),
        help: "Where: Source, Destination or Both. Without it at the source Pod, if one is named.")
    var point: CaptureRequest.Point?

    @Option(
        name: .customLong("capture-direction"),
        help: "SourceToDestination (the default), DestinationToSource or Both.")
    var direction: CaptureRequest.Direction?

    func validate() throws {
        guard firstN != nil else {
            if snaplen != nil || point != nil || direction != nil {
                throw ValidationError(
                    "--snaplen, --capture-point and --capture-direction need --capture")
            }
            return
        }
    }

    var request: CaptureRequest? {
        firstN.map {
            CaptureRequest(firstN: $0, snaplen: snaplen, point: point, direction: direction)
        }
    }
}

extension CaptureRequest.Point: ExpressibleByArgument {}
extension CaptureRequest.Direction: ExpressibleByArgument {}
