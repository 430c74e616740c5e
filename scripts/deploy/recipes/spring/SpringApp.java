// A Spring Boot application behind tls-off: its Tomcat listens on a Unix socket.
package app;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
class SpringApp {
  public static void main(String[] args) {
    SpringApplication.run(SpringApp.class, args);
  }

  @Bean
  WebServerFactoryCustomizer<TomcatServletWebServerFactory> behindTlsOff(
      @Value("${socket:/run/app/app.sock}") String socket) {
    return factory -> factory.addConnectorCustomizers(connector -> {
      // Whoever reaches this socket came by HTTPS: redirects and secure cookies follow from this.
      connector.setScheme("https");
      connector.setSecure(true);
      connector.setProperty("unixDomainSocketPath", socket);
      connector.setProperty("unixDomainSocketPathPermissions", "rw-rw----");
    });
  }

  @GetMapping("/")
  String index(HttpServletRequest request) {
    return request.getScheme() + " " + request.isSecure();
  }
}
