// An application in Go behind tls-off.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
)

func main() {
	path := os.Args[1]
	os.Remove(path) // what an earlier run left
	syscall.Umask(0117) // the socket is made with mode 0660
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme = "https" // whoever reaches this socket came by HTTPS
		fmt.Fprint(w, r.URL.Scheme)
	}))
}
