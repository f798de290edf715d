// Go's HTTP/2 client, all cases at once on one connection: go_client ADDRESS CASES
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"golang.org/x/net/http2"
)

type testCase struct {
	Method, Path string
	Send         *int
}

func content(length int) []byte {
	var all []byte
	for at := uint64(0); len(all) < length; at++ {
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], at)
		sum := sha256.Sum256(number[:])
		all = append(all, sum[:]...)
	}
	return all[:length]
}

func ask(client *http.Client, address string, c testCase) ([]any, error) {
	var body io.Reader
	if c.Send != nil {
		body = bytes.NewReader(content(*c.Send))
	}
	request, err := http.NewRequest(c.Method, address+c.Path, body)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, answer.Body); err != nil {
		return nil, err
	}
	return []any{answer.StatusCode, hex.EncodeToString(hash.Sum(nil)), answer.Proto}, nil
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		log.Fatal(err)
	}
	transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}}
	client := &http.Client{Transport: transport}
	results := make([][]any, len(cases))
	var all sync.WaitGroup
	for at := range cases {
		all.Add(1)
		go func(at int) {
			defer all.Done()
			result, err := ask(client, os.Args[1], cases[at])
			if err != nil {
				log.Fatal(cases[at].Method, " ", cases[at].Path, ": ", err)
			}
			results[at] = result
		}(at)
	}
	all.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		log.Fatal(err)
	}
}
