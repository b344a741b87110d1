// A program around the vCenter simulator of Debian's golang-github-vmware-govmomi-dev, which has the library alone.
// Unlike the library, it wants a session for /folder, as a real server does.
package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/vmware/govmomi/pbm/simulator"
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func main() {
	user := flag.String("u", "user", "accepted user")
	password := flag.String("p", "pass", "accepted password")
	standalone := flag.Bool("esx", false, "an ESXi host that stands alone")
	flag.Parse()

	model := simulator.VPX()
	if *standalone {
		model = simulator.ESX()
	}
	defer model.Remove()
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	model.Service.RegisterEndpoints = true
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword(*user, *password)}
	model.Service.TLS = new(tls.Config)
	server := model.Service.NewServer()
	server.Config.Handler = guard(server.Config.Handler)
	fmt.Println("READY", server.URL.Scheme+"://"+server.URL.Host)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	server.Close()
}

const ask = `<?xml version="1.0"?><E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Body>` +
	`<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">%s</_this><specSet>` +
	`<propSet><type>SessionManager</type><pathSet>currentSession</pathSet></propSet>` +
	`<objectSet><obj type="SessionManager">%s</obj></objectSet></specSet><options/></RetrievePropertiesEx></E:Body></E:Envelope>`

// guard asks the simulator itself whether the session of the cookie lives.
func guard(next http.Handler) http.Handler {
	root := types.ManagedObjectReference{Type: "ServiceInstance", Value: "ServiceInstance"}
	content := simulator.Map.Get(root).(*simulator.ServiceInstance).Content
	body := fmt.Sprintf(ask, content.PropertyCollector.Value, content.SessionManager.Value)
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if len(request.URL.Path) >= 7 && request.URL.Path[:7] == "/folder" {
			question := httptest.NewRequest("POST", "/sdk", bytes.NewBufferString(body))
			question.Header["Cookie"] = request.Header["Cookie"]
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, question)
			if !bytes.Contains(answer.Body.Bytes(), []byte("<key>")) {
				http.Error(writer, "unauthorized", http.StatusUnauthorized)
				return
			}
		}
		next.ServeHTTP(writer, request)
	})
}
