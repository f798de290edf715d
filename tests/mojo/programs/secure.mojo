"""TLS and the middleware that comes with flare: `secure ADDRESS CHAIN KEY CLIENT_ROOTS`."""

from std.sys import argv

from flare import (
    Lines,
    Request,
    Response,
    RouteOptions,
    Router,
    Server,
    StockMiddleware,
    Tls,
    Tokens,
    access_log,
    bearer_auth,
    forwarded,
    has_status,
    ok,
    rate_limit,
    request_id,
)


@fieldwise_init
struct Prefixed(Lines):
    var prefix: String

    def write(mut self, line: StringSpan):
        print(self.prefix, line, flush=True)

    def __deinit__(deinit self):
        print("the lines are destroyed", flush=True)


@fieldwise_init
struct Family(Tokens):
    """Every token that ends with the name of the family; its owner is what is before."""

    var name: String

    def owner(mut self, token: StringSpan, request: Request) raises -> Optional[String]:
        if request.path() == "/raising":
            raise Error("a fault")
        var text = String(token)
        if not text.endswith(self.name):
            return None
        return String(text.removesuffix(self.name))

    def __deinit__(deinit self):
        print("the tokens are destroyed", flush=True)


def about(request: Request) raises -> Response:
    var text = String()
    for name in ["version", "suite", "server_name", "alpn"]:
        text += String(request.tls(name).or_else("-"), " ")
    return ok(text + String(len(request.peer_certificate()), " ", request.is_early(), "\n"))


def who(request: Request) raises -> Response:
    return ok(
        String(
            request.id().or_else("-"), " ", request.identity().or_else("-"), " ", request.client().or_else("-"), "\n"
        )
    )


def refused(what: String, name: String, problem: Error):
    print(what, has_status(problem, "FLARE_ERROR_INVALID_ARGUMENT") and name in String(problem), flush=True)


def settings(chain: String, key: String, roots: String) raises -> Tls:
    var tls = Tls(chain, key)
    tls.set("client_auth", 1)
    tls.set("client_roots", roots)
    tls.set("min_version", 13)
    return tls^


def main() raises:
    var router = Router()
    router.use(access_log(Prefixed("log:"), format="common"))
    router.use(request_id(trust_incoming=True))
    router.use(forwarded(["127.0.0.0/8"], field="x_forwarded"))
    router.get("/tls", about)
    var protected = RouteOptions()
    protected.use(bearer_auth("family", Family("-smith")))
    protected.use(rate_limit(2, per_minute=1, by_identity=True, fields=True))
    router.get("/who", who, protected)
    router.get("/raising", who, protected)

    # What is wrong is said.
    try:
        _ = StockMiddleware("nothing")
        print("taken")
    except problem:
        print("nothing", "nothing" in String(problem), flush=True)
    try:
        _ = rate_limit(0, per_minute=1)
    except problem:
        refused("rate_limit", "capacity", problem)
    try:
        _ = bearer_auth("api", {"no token": "ann"})
    except problem:
        refused("bearer_auth", "token", problem)
    try:
        router.use(StockMiddleware("access_log"))
    except problem:
        refused("access_log", "line", problem)
    try:
        var wrong = Tls(String(argv()[3]), String(argv()[3]))
        var other = Server(router)
        other.listen_tls(String(argv()[1]), wrong)
    except problem:
        refused("tls", "chain", problem)

    var server = Server(router)
    server.listen_tls(String(argv()[1]), settings(String(argv()[2]), String(argv()[3]), String(argv()[4])))
    with open(String(argv()[2]), "r") as chain, open(String(argv()[3]), "r") as key:
        var memory = Tls()
        memory.add_pem(chain.read().as_bytes(), key.read().as_bytes())
        server.listen_tls(String(argv()[1]), memory)
    server.listen_tls(String(argv()[1]), Tls.self_signed("localhost"))
    server.start()
    server.drain_on_signals()
    for i in range(3):
        print("listening on", server.address(i), flush=True)
    # A line on standard input: new certificates.
    while True:
        try:
            var line = input()
            if line == "reload":
                server.reload_tls()
            else:
                server.replace_tls(0, Tls.self_signed("localhost"))
            print("done", flush=True)
        except problem:
            if "EOF" in String(problem):
                break
            print(problem, flush=True)
    server.wait()
    _ = router^
