import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** An application in Java behind tls-off. The JDK's server has no Unix sockets, so it listens on the loopback. */
public class App {
    public static void main(String[] args) throws Exception {
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0]));
        var server = HttpServer.create(address, 0);
        server.createContext("/", exchange -> {
            byte[] answer = "https".getBytes();
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }
}
