// peer_go PORT [h1|h2 CERT KEY]: net/http on one CPU. With a certificate over TLS, where HTTP/2 is chosen by ALPN.
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
)

func send(content []byte) http.HandlerFunc {
	length := []string{strconv.Itoa(len(content))}
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Server"] = []string{"go"}
		h["Content-Type"] = []string{"text/plain"}
		h["Content-Length"] = length
		w.Write(content)
	}
}

func upload(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	send([]byte(fmt.Sprintf("%013d", n)))(w, r)
}

func main() {
	runtime.GOMAXPROCS(1)
	mux := http.NewServeMux()
	mux.HandleFunc("/plaintext", send([]byte("Hello, World!")))
	mux.HandleFunc("/64k", send(bytes.Repeat([]byte{'x'}, 64<<10)))
	mux.HandleFunc("/1m", send(bytes.Repeat([]byte{'x'}, 1<<20)))
	mux.HandleFunc("/upload", upload)
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], Handler: mux}
	if len(os.Args) < 5 {
		log.Fatal(server.ListenAndServe())
	}
	if os.Args[2] == "h1" {
		// An empty map is how net/http is told to leave HTTP/2 alone.
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	log.Fatal(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
}
