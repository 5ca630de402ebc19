import Foundation
import Postgres
import Testing

/// A server with TLS and a certificate of its own making, for one test.
struct TLSServer {
    let directory: String
    let port: Int

    /// The server runs as `postgres` when the tests run as root, because it refuses root.
    private static let script = """
        set -eu
        as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
        bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
        case "$1" in
        start)
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
                -keyout "$2/server.key" -out "$2/server.crt" 2>"$2/openssl.log"
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
                -keyout "$2/other.key" -out "$2/other.crt" 2>>"$2/openssl.log"
            chmod 600 "$2/server.key"
            if [ "$(id -u)" = 0 ]; then chown -R postgres "$2"; fi
            cd "$2"
            # Foundation's Process waits until nobody holds the descriptors it passed on, and the server would.
            for fd in /proc/$$/fd/*; do if [ "${fd##*/}" -gt 2 ]; then eval "exec ${fd##*/}>&-"; fi; done
            as "$bin/initdb" -D "$2/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 -N >"$2/initdb.log"
            as "$bin/pg_ctl" -D "$2/data" -l "$2/log" -w -o "-p $3 -k $2 -h 127.0.0.1 -c fsync=off -c ssl=on \
                -c ssl_cert_file=$2/server.crt -c ssl_key_file=$2/server.key" start >"$2/start.log" </dev/null ;;
        stop)
            cd "$2"
            as "$bin/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null
            rm -rf "$2" ;;
        esac
        """

    static func with(_ body: (TLSServer) async throws -> Void) async throws {
        let server = try start()
        do { try await body(server) } catch {
            try server.run("stop")
            throw error
        }
        try server.run("stop")
    }

    private static func start() throws -> TLSServer {
        let server = TLSServer(directory: "/tmp/bw-tls-\(UUID().uuidString.prefix(8))", port: try freePort())
        try FileManager.default.createDirectory(atPath: server.directory, withIntermediateDirectories: false)
        try server.run("start")
        return server
    }

    /// Connects by TCP: over a local socket there is no TLS.
    func configuration(_ options: String) throws -> PostgresConfiguration {
        try PostgresConfiguration("postgres://postgres@localhost:\(port)/postgres?hostaddr=127.0.0.1&\(options)")
    }

    private func run(_ command: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", Self.script, "bash", command, directory, String(port)]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the TLS server did not \(command): see \(directory)")
    }

    private static func freePort() throws -> Int {
        let (listener, port) = Proxy.listenOnLoopback()
        try FileHandle(fileDescriptor: listener, closeOnDealloc: false).close()
        return Int(port)
    }
}

@Suite(.timeLimit(.minutes(15)))
struct TLSTests {
    @Test func `the server's certificate is checked as the URL asks`() async throws {
        try await TLSServer.with(check)
    }

    private func check(_ server: TLSServer) async throws {
        let trusted = "\(server.directory)/server.crt"
        for options in ["sslmode=verify-ca&sslrootcert=\(trusted)", "sslmode=verify-full&sslrootcert=\(trusted)"] {
            let connection = try await PostgresConnection.connect(server.configuration(options))
            let version = try await connection.query(
                "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
            ).only(String.self)
            #expect(version.hasPrefix("TLSv1."))
            // More than one TLS record each way.
            let blob = [UInt8](repeating: 9, count: 1 << 20)
            let back = try await connection.pipeline(["SELECT \(blob)", "SELECT \(blob)"])
            #expect(try back.map { try $0.only([UInt8].self) } == [blob, blob])
            await connection.close()
        }
        let wrong = try server.configuration("sslmode=verify-ca&sslrootcert=\(server.directory)/other.crt")
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(wrong) }
        #expect(error?.description.contains("certificate verify failed") == true, "\(String(describing: error))")
    }
}
