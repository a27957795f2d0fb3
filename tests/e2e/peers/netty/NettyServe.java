// SPDX-License-Identifier: Apache-2.0
// NettyServe PORT CERTIFICATE KEY: an HTTPS server of Netty's with the TLS of netty-tcnative. Each answer is its path.
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;

public class NettyServe {
	static class Answers extends SimpleChannelInboundHandler<FullHttpRequest> {
		protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
			ByteBuf body = Unpooled.copiedBuffer(request.uri().getBytes());
			FullHttpResponse answer = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, body);

			answer.headers().set("Content-Length", body.readableBytes());
			context.writeAndFlush(answer);
		}
	}

	public static void main(String[] words) throws Exception {
		SslContext tls = SslContextBuilder.forServer(new File(words[1]), new File(words[2])).sslProvider(SslProvider.OPENSSL).build();

		new ServerBootstrap()
			.group(new NioEventLoopGroup(2))
			.channel(NioServerSocketChannel.class)
			.childHandler(new ChannelInitializer<SocketChannel>() {
				protected void initChannel(SocketChannel channel) {
					channel.pipeline().addLast(tls.newHandler(channel.alloc()), new HttpServerCodec(),
						new HttpObjectAggregator(1 << 20), new Answers());
				}
			})
			.bind("127.0.0.1", Integer.parseInt(words[0])).sync();
	}
}
