// SPDX-License-Identifier: Apache-2.0

// A gRPC server of Go's own that answers, refuses, answers slowly and streams, and its client:
// grpc-go serve PORT [CERTIFICATE KEY] | grpc-go call PORT tls|clear METHOD... Messages are bytes: nothing is generated.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

type raw struct{}

func (raw) Name() string                        { return "raw" }
func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (raw) Unmarshal(bytes []byte, into any) error {
	*into.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}

var refusals = map[string]codes.Code{"Missing": codes.NotFound, "Broken": codes.Internal}

func answer(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	method := path[strings.LastIndex(path, "/")+1:]
	for {
		var asked []byte
		if err := stream.RecvMsg(&asked); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if method == "Slow" {
			time.Sleep(300 * time.Millisecond)
		}
		if code, refused := refusals[method]; refused {
			return status.Error(code, "as asked")
		}
		said := append(asked, '!')
		if err := stream.SendMsg(&said); err != nil {
			return err
		}
	}
}

func serve(port string, files []string) {
	options := []grpc.ServerOption{grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(answer)}
	if len(files) == 2 {
		own, err := credentials.NewServerTLSFromFile(files[0], files[1])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(own))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(grpc.NewServer(options...).Serve(listener))
}

func exchange(connection *grpc.ClientConn, method string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	asked, said := []byte("x"), []byte(nil)
	if method != "Stream" {
		err := connection.Invoke(ctx, "/shop.Cart/"+method, &asked, &said)
		return string(said), err
	}
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/shop.Cart/Stream")
	all := ""
	for i := 0; err == nil && i < 3; i++ {
		if err = stream.SendMsg(&asked); err == nil {
			err = stream.RecvMsg(&said)
			all += string(said)
		}
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil && stream.RecvMsg(&said) != io.EOF {
		err = fmt.Errorf("no end")
	}
	return all, err
}

// As grpcio's client prints it.
func name(err error) string {
	word := status.Code(err).String()
	return map[string]string{"NotFound": "NOT_FOUND", "Internal": "INTERNAL"}[word]
}

func call(port, how string, methods []string) {
	own := insecure.NewCredentials()
	if how == "tls" {
		own = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	}
	connection, err := grpc.NewClient("passthrough:127.0.0.1:"+port, grpc.WithTransportCredentials(own),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	for _, method := range methods {
		if said, err := exchange(connection, method); err != nil {
			fmt.Println(method, name(err))
		} else {
			fmt.Println(method, said)
		}
	}
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3:])
	} else {
		call(os.Args[2], os.Args[3], os.Args[4:])
	}
}
