// SPDX-License-Identifier: Apache-2.0
// GET of each URL, a TLS connection each, by Java's own TLS, which hark names and does not follow. It takes any
// certificate, names the server in its hello, offers no ALPN, and prints how many bytes came.
import java.net.URI;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Fetch {
	static class AnyCertificate implements X509TrustManager {
		public void checkClientTrusted(X509Certificate[] chain, String kind) {}
		public void checkServerTrusted(X509Certificate[] chain, String kind) {}
		public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
	}

	public static void main(String[] urls) throws Exception {
		SSLContext context = SSLContext.getInstance("TLS");

		context.init(null, new TrustManager[] { new AnyCertificate() }, null);
		for (String url : urls) {
			URI uri = new URI(url);
			String request = "GET " + uri.getPath() + " HTTP/1.1\r\nHost: " + uri.getHost() + "\r\nConnection: close\r\n\r\n";

			try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(uri.getHost(), uri.getPort())) {
				SSLParameters parameters = socket.getSSLParameters();

				if (!Character.isDigit(uri.getHost().charAt(0)))
					parameters.setServerNames(List.of(new SNIHostName(uri.getHost())));
				socket.setSSLParameters(parameters);
				socket.getOutputStream().write(request.getBytes());
				System.out.println(socket.getInputStream().readAllBytes().length);
			}
		}
	}
}
