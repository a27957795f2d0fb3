// SPDX-License-Identifier: Apache-2.0

// Go's net/http at both ends: serve ADDRESS CERT KEY, or ask URL REQUESTS AT_ONCE h1|h2. Stacks grow and
// shrink around each call, bodies have all sizes, and the client checks each answer. SIGTERM: no further requests.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var enough atomic.Bool

func deep(levels int, last func()) {
	var frame [512]byte
	if levels > 0 {
		deep(levels-1, last)
		frame[levels%len(frame)] = 1
		return
	}
	last()
}

func answer(path string, received int) string {
	return fmt.Sprintf("%s %d %s\n", path, received, strings.Repeat("x", len(path)*100))
}

func serve(address, cert, key string) error {
	http.HandleFunc("/", func(out http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		deep(len(request.URL.Path)*7, func() { io.WriteString(out, answer(request.URL.Path, len(body))) })
	})
	return http.ListenAndServeTLS(address, cert, key, nil)
}

func ask(url string, who, count int, h2 bool) error {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: h2,
	}
	client := &http.Client{Transport: transport}
	for i := 0; i < count && !enough.Load(); i++ {
		path := fmt.Sprintf("/%d/%d", who, i)
		size := i * 37 % 5000
		var got []byte
		var err error
		deep(i%60, func() {
			var response *http.Response
			response, err = client.Post(url+path, "text/plain", strings.NewReader(strings.Repeat("b", size)))
			if err == nil {
				got, err = io.ReadAll(response.Body)
				response.Body.Close()
			}
		})
		if err != nil {
			return err
		}
		if string(got) != answer(path, size) {
			return fmt.Errorf("%s: not the answer", path)
		}
	}
	transport.CloseIdleConnections()
	return nil
}

func main() {
	if os.Args[1] == "serve" {
		fmt.Fprintln(os.Stderr, serve(os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	}
	count, _ := strconv.Atoi(os.Args[3])
	atOnce, _ := strconv.Atoi(os.Args[4])
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		enough.Store(true)
	}()
	var group sync.WaitGroup
	failed := make(chan error, atOnce)
	for who := 0; who < atOnce; who++ {
		group.Add(1)
		go func(who int) {
			defer group.Done()
			failed <- ask(os.Args[2], who, count/atOnce, os.Args[5] == "h2")
		}(who)
	}
	group.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("all right")
}
