// SPDX-License-Identifier: Apache-2.0
// Serve PORT KEYS: the JDK's HTTPS server, with the TLS of the first provider that Java is told of. KEYS: a PKCS #12
// file, whose password is "hark".
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

public class Serve {
	public static void main(String[] words) throws Exception {
		KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
		KeyStore store = KeyStore.getInstance("PKCS12");
		SSLContext context = SSLContext.getInstance("TLS");

		try (InputStream file = new FileInputStream(words[1])) {
			store.load(file, "hark".toCharArray());
		}
		keys.init(store, "hark".toCharArray());
		context.init(keys.getKeyManagers(), null, null);
		HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(words[0])), 0);
		server.setHttpsConfigurator(new HttpsConfigurator(context));
		server.setExecutor(Executors.newCachedThreadPool());
		server.createContext("/", exchange -> {
			byte[] answer = exchange.getRequestURI().getPath().getBytes();

			exchange.sendResponseHeaders(200, answer.length);
			exchange.getResponseBody().write(answer);
			exchange.close();
		});
		server.start();
	}
}
