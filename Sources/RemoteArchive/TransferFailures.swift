import CCurl

/// What went wrong, from what libcurl and servers say: tables without state.
enum TransferFailures {
    static func code(_ code: CURLcode) -> RemoteError.Code {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
            .unreachable
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_PARTIAL_FILE: .truncated
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SSL_CONNECT_ERROR,
            CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_SSH, CURLE_UPLOAD_FAILED, CURLE_AGAIN,
            CURLE_SSL_SHUTDOWN_FAILED, CURLE_SEND_FAIL_REWIND,
            // SSH whose first messages did not come through.
            CURLE_FAILED_INIT:
            .interrupted
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR:
            .untrustedServer
        case CURLE_LOGIN_DENIED, CURLE_REMOTE_ACCESS_DENIED, CURLE_AUTH_ERROR: .denied
        case CURLE_REMOTE_DISK_FULL: .diskFull
        case CURLE_REMOTE_FILE_NOT_FOUND: .absent
        case CURLE_REMOTE_FILE_EXISTS: .occupied
        case CURLE_BAD_DOWNLOAD_RESUME: .outsideRange
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_UNSUPPORTED_PROTOCOL,
            CURLE_FILESIZE_EXCEEDED, CURLE_HTTP_RETURNED_ERROR:
            .malformedAnswer
        default: .refused
        }
    }

    static func code(status: Int) -> RemoteError.Code {
        switch status {
        case 401, 403: .denied
        case 404, 410: .absent
        case 301, 302, 307, 308: .wrongRegion
        case 408: .timedOut
        case 409: .serverFailed
        case 412: .occupied
        case 416: .outsideRange
        case 429: .throttled
        case 500, 502, 503, 504: .serverFailed
        case 200..<300: .malformedAnswer
        default: .refused
        }
    }

    /// The errors of S3 that mean something else than their status does.
    static func code(s3 name: String, status: Int) -> RemoteError.Code {
        switch name {
        case "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded",
            "TooManyRequests", "RequestThrottled", "BandwidthLimitExceeded":
            .throttled
        case "InternalError", "ServiceUnavailable", "OperationAborted",
            "ConditionalRequestConflict":
            .serverFailed
        case "RequestTimeout": .timedOut
        case "IncompleteBody": .truncated
        case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch": .garbled
        case "RequestTimeTooSkewed", "RequestExpired": .clockSkewed
        case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccountProblem",
            "AllAccessDisabled", "InvalidToken", "NotSignedUp", "UnauthorizedAccess",
            "InvalidClientTokenId":
            .denied
        case "ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException": .credentialsExpired
        case "NoSuchBucket": .noBucket
        case "NoSuchKey": .absent
        case "NoSuchUpload": .uploadGone
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException":
            .wrongRegion
        case "InvalidRange": .outsideRange
        case "PreconditionFailed": .occupied
        case "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull": .diskFull
        default: code(status: status)
        }
    }
}
