package dbagent_test
import ("testing";"os";"os/exec";"fmt";"time";"strings";"net/http";"crypto/tls";"bytes";"encoding/json";"chatpdf.dev/operator/internal/dbagent/protocol")
func TestZZ(t *testing.T){
 cluster,pod:=startPod(t)
 d:=cluster.Directories(t.TempDir(),t.TempDir())
 cmd:=exec.Command(os.Getenv("AGENT"),"serve","--listen","127.0.0.1:18443","--mongod",pod.MongoDAddress(),"--keyfile-dir",d.Keyfile,"--tls-dir",d.TLS,"--admin-dir",d.Admin,"--token-dir",d.Token,"--run-dir",d.Run,"--binary-dir",d.Binary)
 cmd.Env=append(os.Environ(),"POD_UID=u","MEMBER_HOST="+pod.Host,"REPLICA_SET=docs"); cmd.Stdout=os.Stdout; cmd.Stderr=os.Stderr
 if err:=cmd.Start();err!=nil{t.Fatal(err)}
 defer cmd.Process.Kill()
 c:=&http.Client{Transport:&http.Transport{DisableKeepAlives:true,TLSClientConfig:&tls.Config{InsecureSkipVerify:true}}}
 rss:=func(w string){b,_:=os.ReadFile(fmt.Sprintf("/proc/%d/status",cmd.Process.Pid)); for _,l:=range strings.Split(string(b),"\n"){ if strings.HasPrefix(l,"VmRSS")||strings.HasPrefix(l,"RssAnon")||strings.HasPrefix(l,"Threads"){fmt.Println(w,l)}}}
 for range 100 { if r,err:=c.Get("https://127.0.0.1:18443/startupz");err==nil{r.Body.Close();break}; time.Sleep(50*time.Millisecond)}
 rss("start")
 for range 100 { r,_:=c.Get("https://127.0.0.1:18443/readyz"); r.Body.Close() }
 rss("100 readyz")
 b,_:=json.Marshal(protocol.BootstrapRequest{PodUID:"u",MemberHost:pod.Host,ReplicaSet:"docs"})
 req,_:=http.NewRequest("POST","https://127.0.0.1:18443/v1/bootstrap",bytes.NewReader(b)); req.Header.Set("Authorization","Bearer "+cluster.AgentToken)
 r,err:=c.Do(req); if err!=nil{t.Fatal(err)}; fmt.Println(r.Status); r.Body.Close()
 rss("bootstrapped")
 for range 500 { r,_:=c.Get("https://127.0.0.1:18443/readyz"); r.Body.Close() }
 for range 20 { r,_:=c.Get("https://127.0.0.1:18443/metrics"); r.Body.Close() }
 rss("500 readyz 20 metrics")
 s:=time.Now()
 for range 20 { h:=exec.Command(d.Binary+"/dbagent","hello","--address",pod.MongoDAddress(),"--ca",d.Run+"/ca.crt"); o,err:=h.CombinedOutput(); if err!=nil{t.Fatal(string(o))}; if u:=h.ProcessState; true { _ = u }}
 fmt.Println("hello each",time.Since(s)/20)
 h:=exec.Command("/usr/bin/env","bash","-c","ulimit -a >/dev/null; exec "+d.Binary+"/dbagent hello --address "+pod.MongoDAddress()+" --ca "+d.Run+"/ca.crt"); h.Run(); fmt.Printf("hello maxrss %+v KiB user %v\n", h.ProcessState.SysUsage(), h.ProcessState.UserTime())
}
