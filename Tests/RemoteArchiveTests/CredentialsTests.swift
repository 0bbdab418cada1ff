import Foundation
import Testing

@testable import RemoteArchive

@Suite("AWS credentials") struct CredentialsTests {
    let scratch: Scratch
    let time = StillTime()

    init() throws { scratch = try Scratch() }

    private static let secret = Secrets.add("Environment/Secret+0123456789")
    private static let fileSecret = Secrets.add("File/Secret+0123456789abcdef")
    private static let otherSecret = Secrets.add("Other/Secret+0123456789abcdef")
    private static let token = Secrets.add("Session/Token+0123456789==")

    private func chain(_ environment: [String: String]) -> CredentialsChain {
        var policy = RetryPolicy()
        policy.attemptsMax = 3
        return CredentialsChain(time.surroundings(environment), policy: policy)
    }

    /// With both files, which hold these texts.
    private func files(
        credentials: String?, configuration: String? = nil
    ) throws -> [String: String] {
        var environment = ["HOME": scratch.path]
        if let credentials {
            environment["AWS_SHARED_CREDENTIALS_FILE"] = try scratch.file("c", text: credentials)
        }
        if let configuration {
            environment["AWS_CONFIG_FILE"] = try scratch.file("f", text: configuration)
        }
        return environment
    }

    @Test("the environment comes first, with its token") func environment() throws {
        var environment = try files(
            credentials:
                "[default]\naws_access_key_id=FILE\naws_secret_access_key=\(Self.fileSecret)")
        environment["AWS_ACCESS_KEY_ID"] = "ENV"
        environment["AWS_SECRET_ACCESS_KEY"] = Self.secret
        environment["AWS_SESSION_TOKEN"] = Self.token
        let found = try chain(environment).credentials()
        #expect(found.keyID == "ENV")
        #expect(found.secretKey.text == Self.secret)
        #expect(found.sessionToken?.text == Self.token)
        environment["AWS_ACCESS_KEY_ID"] = ""
        environment["AWS_SECRET_ACCESS_KEY"] = ""
        #expect(try chain(environment).credentials().keyID == "FILE")
    }

    @Test("half of the environment's is an error, not a reason to look on") func half() throws {
        for (set, missing) in [
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ] {
            let error = try failure { try chain([set: Self.secret]).credentials() }
            #expect(error.code == .noCredentials)
            #expect(error.message.hasPrefix("\(missing) is not set"))
        }
    }

    @Test(
        "files with odd spacing are read",
        arguments: [
            "[default]\naws_access_key_id=FILE\naws_secret_access_key=SECRET\n"
                + "aws_session_token=TOKEN",
            "# note\n\n[other]\naws_access_key_id = X\n\n [default] \r\n  \n"
                + "aws_access_key_id\t=\tFILE  \r\nAWS_Secret_Access_Key =SECRET\n"
                + "aws_session_token= TOKEN",
            "[default]\n; note\ns3 =\n  max_concurrent_requests = 20\n  no equals here\n"
                + "aws_access_key_id = FILE # note\naws_secret_access_key = SECRET ; note\n"
                + "aws_session_token = TOKEN\n[default-not]\naws_access_key_id = X\n",
            "[default]\naws_access_key_id = X\naws_secret_access_key = Y\n"
                + "[default]\naws_access_key_id=FILE\naws_secret_access_key=SECRET\n"
                + "aws_session_token=TOKEN",
        ])
    func spacing(text: String) throws {
        let filled = text.replacing("SECRET", with: Self.fileSecret)
            .replacing("TOKEN", with: Self.token)
        let found = try chain(files(credentials: filled)).credentials()
        #expect(found.keyID == "FILE")
        #expect(found.secretKey.text == Self.fileSecret)
        #expect(found.sessionToken?.text == Self.token)
    }

    @Test("the profile that is named, of the credentials file before the configuration")
    func profile() throws {
        let pair = { (id: String) in
            "aws_access_key_id=\(id)\naws_secret_access_key=\(Self.fileSecret)\n"
        }
        var environment = try files(
            credentials: "[default]\n\(pair("D"))[both]\n\(pair("C"))[profile odd]\n\(pair("X"))",
            configuration: "[default]\n\(pair("N"))[profile both]\n\(pair("F"))"
                + "[profile  only file]\n\(pair("O"))[plain]\n\(pair("P"))[sso-session s]\na=b\n")
        for (name, id) in [("default", "D"), ("both", "C"), ("only file", "O")] {
            environment["AWS_PROFILE"] = name
            #expect(try chain(environment).credentials().keyID == id)
        }
        for name in ["plain", "odd", "s", "none"] {
            environment["AWS_PROFILE"] = name
            let error = try failure { try chain(environment).credentials() }
            #expect(error.message.contains("profile \(name)"))
        }
    }

    @Test(
        "a file that is broken is named with its line, without what it says",
        arguments: [
            ("[default\naws_access_key_id=X", 1), ("[default]\n\(Self.fileSecret)\n", 2),
            ("a = b\n\n[x\n", 3),
        ])
    func broken(text: String, line: Int) throws {
        let environment = try files(credentials: text)
        let error = try failure { try chain(environment).credentials() }
        #expect(error.code == .noCredentials)
        #expect(error.message.contains("/c:\(line): "))
    }

    @Test(
        "values that cannot be sent are refused",
        arguments: [
            "[default]\naws_access_key_id=\naws_secret_access_key=x",
            "[default]\naws_access_key_id=X\naws_secret_access_key=",
            "[default]\naws_access_key_id=X",
            "[default]\naws_access_key_id=X Y\naws_secret_access_key=x",
            "[default]\naws_access_key_id=X\naws_secret_access_key=\u{1}\(Self.fileSecret)",
        ])
    func values(text: String) throws {
        let environment = try files(credentials: text)
        let error = try failure { try chain(environment).credentials() }
        #expect(error.code == .noCredentials)
        #expect(error.message.contains("profile default"))
    }

    @Test("where none are, the error names where they were looked for") func nothing() throws {
        let error = try failure { try chain(["HOME": "/nowhere"]).credentials() }
        #expect(error.code == .noCredentials)
        for place in [
            "AWS_ACCESS_KEY_ID", "/nowhere/.aws/credentials", "/nowhere/.aws/config",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ] {
            #expect(error.message.contains(place))
        }
        let other = try failure {
            try chain(["AWS_WEB_IDENTITY_TOKEN_FILE": "/x"]).credentials()
        }
        #expect(other.remedy.contains("AWS_WEB_IDENTITY_TOKEN_FILE is not used"))
    }

    @Test("a secret is shown by nothing that holds it") func shown() throws {
        let credentials = try AWSCredentials(
            keyID: "ID", secretKey: Self.secret, sessionToken: Self.token, source: "x")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in [
            "\(credentials)", String(reflecting: credentials), dumped,
            "\(credentials.secretKey)", "\(SFTPAuthentication.password(credentials.secretKey))",
        ] {
            #expect(!text.contains(Self.secret) && !text.contains(Self.token))
        }
    }
}
