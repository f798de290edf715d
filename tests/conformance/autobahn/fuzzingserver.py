# Python 2.7: Autobahn's fuzzing server without its web page, on one address only. argv: HOST SPEC
import sys

host, spec = sys.argv[1:3]
sys.argv = ["wstest", "-m", "fuzzingserver", "-s", spec, "-u", "0"]
from twisted.internet import reactor

listen = reactor.listenTCP
reactor.listenTCP = lambda port, factory, backlog=50, interface="": listen(port, factory, backlog, interface or host)
from autobahntestsuite.wstest import run

run()
