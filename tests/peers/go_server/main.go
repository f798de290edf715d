// A server of Go: files of a folder, and POST sends its content back. go_server FOLDER [CERTIFICATE KEY]; prints its port.
// With a certificate HTTP/2 is agreed by ALPN, without one it is HTTP/2 by prior knowledge, or HTTP/1.1.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	files := http.FileServer(http.Dir(os.Args[1]))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			if _, err := io.Copy(w, r.Body); err != nil {
				log.Print(err)
			}
			return
		}
		files.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	if len(os.Args) > 2 {
		log.Fatal(http.ServeTLS(listener, handler, os.Args[2], os.Args[3]))
	}
	log.Fatal(http.Serve(listener, h2c.NewHandler(handler, &http2.Server{})))
}
