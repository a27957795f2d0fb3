/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of models by rows, each whole, byte by byte and cut everywhere; holes everywhere invent nothing. */
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define WANTS (READER_FACTS | READER_BODIES)

#define CHAT                                                                         \
	"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"Be " \
	"brief.\"},{\"role\":\"user\","                                              \
	"\"content\":[{\"type\":\"text\",\"text\":\"Hello?\"}]}],\"stream\":true}"
#define ASKED_CHAT                                                                                           \
	"gen_ai.operation.name=chat\nhark.gen_ai.api=openai.chat_completions\ngen_ai.request.model=gpt-4o\n" \
	"hark.gen_ai.input=Hello?\n"

static const struct row {
	const char *name, *host, *path, *request, *type, *response, *expected;
} rows[] = {
	{ "OpenAI's chat", "api.openai.com:443", "/v1/chat/completions", CHAT, "application/json",
	  "{\"id\":\"c1\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"index\":0,"
	  "\"message\":{\"role\":\"assistant\",\"content\":\"Hi.\",\"tool_calls\":[{\"id\":\"t1\",\"type\":"
	  "\"function\","
	  "\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],"
	  "\"usage\":"
	  "{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":4},"
	  "\"completion_tokens_details\":{\"reasoning_tokens\":3}}}",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=openai.chat_completions\ngen_ai.provider.name=openai\n"
	  "gen_ai.request.model=gpt-4o\nhark.gen_ai.input=Hello?\n"
	  "gen_ai.response.model=gpt-4o-2024\ngen_ai.response.id=c1\ngen_ai.tool.name=weather\n"
	  "gen_ai.usage.input_tokens=10\ngen_ai.usage.output_tokens=5\n"
	  "gen_ai.usage.cache_read.input_tokens=4\ngen_ai.usage.reasoning.output_tokens=3\n"
	  "gen_ai.response.finish_reasons=stop\nhark.gen_ai.output=Hi.\n" },
	{ "streamed, at a server of another's", "localhost", "/v1/chat/completions?x=1", CHAT,
	  "text/event-stream",
	  "data: "
	  "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
	  "data: "
	  "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"content\":\"Hi \"}}]}\n\n"
	  ": keep\n\n"
	  "data: "
	  "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"function\":{\"name\":\"weather\","
	  "\"arguments\":\"\"}}]}"
	  "}]}\n\n"
	  "data: "
	  "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":"
	  "\"tool_calls\"}"
	  "]}\n\n"
	  "data: "
	  "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\"usage\":"
	  "{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
	  ASKED_CHAT
	  "gen_ai.response.model=m\ngen_ai.response.id=c1\n"
	  "hark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.tool.name=weather\ngen_ai.usage.input_tokens=7\ngen_ai.usage.output_tokens=2\n"
	  "gen_ai.response.finish_reasons=tool_calls\nhark.gen_ai.chunks=3\nhark.gen_ai.output=Hi \n" },
	{ "two choices", "h", "/v1/chat/completions", CHAT, "application/json",
	  "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0},{\"finish_reason\":\"length\",\"index\":1}]"
	  "}",
	  ASKED_CHAT "gen_ai.response.finish_reasons=stop\ngen_ai.response.finish_reasons=length\n" },
	{ "an error", "h", "/v1/chat/completions", CHAT, "application/json",
	  "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"code\":null}}",
	  ASKED_CHAT "error.type=invalid_request_error\n" },
	{ "OpenAI's responses, streamed", "h", "/v1/responses", "{\"model\":\"o3\",\"input\":\"Why?\"}",
	  "text/event-stream",
	  "event: response.created\ndata: "
	  "{\"type\":\"response.created\",\"response\":{\"id\":\"r1\",\"object\":"
	  "\"response\",\"status\":\"in_progress\",\"model\":\"o3-1\",\"output\":[],\"usage\":null}}\n\n"
	  "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Be\"}\n\n"
	  "data: {\"type\":\"response.output_text.delta\",\"delta\":\"cause\"}\n\n"
	  "data: {\"type\":\"response.output_text.done\",\"text\":\"Because\"}\n\n"
	  "data: "
	  "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":\"f\"}}\n\n"
	  "data: "
	  "{\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"object\":\"response\",\"status\":"
	  "\"completed\",\"model\":\"o3-1\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":"
	  "\"output_text\","
	  "\"text\":\"Because\"}]},{\"type\":\"function_call\",\"name\":\"f\"}],\"usage\":{\"input_tokens\":"
	  "3,"
	  "\"input_tokens_details\":{\"cached_tokens\":1},\"output_tokens\":9,\"output_tokens_details\":"
	  "{\"reasoning_tokens\":7}}}}\n\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=openai.responses\ngen_ai.request.model=o3\n"
	  "hark.gen_ai.input=Why?\n"
	  "gen_ai.response.model=o3-1\ngen_ai.response.id=r1\nhark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.tool.name=f\ngen_ai.usage.input_tokens=3\n"
	  "gen_ai.usage.output_tokens=9\ngen_ai.usage.cache_read.input_tokens=1\n"
	  "gen_ai.usage.reasoning.output_tokens=7\ngen_ai.response.finish_reasons=completed\n"
	  "hark.gen_ai.chunks=2\nhark.gen_ai.output=Because\n" },
	{ "embeddings", "api.mistral.ai", "/v1/embeddings", "{\"input\":[\"a\",\"b\"],\"model\":\"e\"}",
	  "application/json",
	  "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"embedding\":[0.5,-1e-3]}],\"model\":"
	  "\"e\","
	  "\"usage\":{\"prompt_tokens\":2,\"total_tokens\":2}}",
	  "gen_ai.operation.name=embeddings\nhark.gen_ai.api=openai.embeddings\n"
	  "gen_ai.provider.name=mistral_ai\ngen_ai.request.model=e\n"
	  "gen_ai.response.model=e\ngen_ai.usage.input_tokens=2\n" },
	{ "Anthropic's messages, streamed", "api.anthropic.com", "/v1/messages",
	  "{\"model\":\"claude\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
	  "text/event-stream",
	  "event: message_start\ndata: "
	  "{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":\"message\","
	  "\"model\":\"claude-1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":5,"
	  "\"cache_creation_input_tokens\":2,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n"
	  "event: content_block_start\ndata: "
	  "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
	  "\"text\",\"text\":\"\"}}\n\n"
	  "event: ping\ndata: {\"type\": \"ping\"}\n\n"
	  "data: "
	  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Yo\"}}"
	  "\n\n"
	  "data: "
	  "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":"
	  "\"t\","
	  "\"name\":\"f\",\"input\":{}}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
	  "\"partial_json\":\"{}\"}}\n\n"
	  "data: "
	  "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},"
	  "\"usage\":"
	  "{\"output_tokens\":15}}\n\n"
	  "data: {\"type\":\"message_stop\"}\n\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=anthropic.messages\ngen_ai.provider.name=anthropic\n"
	  "gen_ai.request.model=claude\nhark.gen_ai.input=Hi\n"
	  "gen_ai.response.model=claude-1\ngen_ai.response.id=m1\ngen_ai.usage.input_tokens=107\n"
	  "gen_ai.usage.cache_read.input_tokens=100\n"
	  "gen_ai.usage.cache_creation.input_tokens=2\nhark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.tool.name=f\ngen_ai.usage.output_tokens=15\ngen_ai.response.finish_reasons=tool_use\nhark."
	  "gen_ai.chunks=3\n"
	  "hark.gen_ai.output=Yo\n" },
	{ "Anthropic's, whole", "h", "/v1/messages",
	  "{\"model\":\"claude\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
	  "application/json",
	  "{\"id\":\"m1\",\"type\":\"message\",\"model\":\"claude-1\",\"content\":[{\"type\":\"text\","
	  "\"text\":\"Yo\"},"
	  "{\"type\":\"tool_use\",\"name\":\"f\",\"input\":{\"name\":\"no\"}}],\"stop_reason\":\"end_turn\","
	  "\"usage\":"
	  "{\"input_tokens\":5,\"output_tokens\":1}}",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=anthropic.messages\n"
	  "gen_ai.request.model=claude\nhark.gen_ai.input=Hi\n"
	  "gen_ai.response.model=claude-1\ngen_ai.response.id=m1\ngen_ai.tool.name=f\n"
	  "gen_ai.usage.input_tokens=5\n"
	  "gen_ai.usage.output_tokens=1\ngen_ai.response.finish_reasons=end_turn\nhark.gen_ai.output=Yo\n" },
	{ "Gemini's, streamed as an array", "generativelanguage.googleapis.com",
	  "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]}",
	  "application/json; charset=UTF-8",
	  "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Yo\"}]},\"index\":0}],\"usageMetadata\":"
	  "{\"promptTokenCount\":4},\"modelVersion\":\"gemini-2.5-pro\",\"responseId\":\"x\"}\n,\r\n"
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},"
	  "\"finishReason\":"
	  "\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":6,"
	  "\"thoughtsTokenCount\":20,\"cachedContentTokenCount\":1},\"modelVersion\":\"gemini-2.5-pro\"}]",
	  "gen_ai.operation.name=generate_content\nhark.gen_ai.api=gemini.generate_content\n"
	  "gen_ai.provider.name=gcp.gemini\ngen_ai.request.model=gemini-2.5-pro\nhark.gen_ai.input=Hi\n"
	  "gen_ai.response.model=gemini-2.5-pro\ngen_ai.response.id=x\ngen_ai.usage.input_tokens=4\n"
	  "hark.gen_ai.time_to_first_chunk_ms=0\ngen_ai.tool.name=f\ngen_ai.usage.output_tokens=26\n"
	  "gen_ai.usage.cache_read.input_tokens=1\n"
	  "gen_ai.usage.reasoning.output_tokens=20\n"
	  "gen_ai.response.finish_reasons=STOP\nhark.gen_ai.chunks=2\nhark.gen_ai.output=Yo\n" },
	{ "Ollama's, by lines", "localhost:11434", "/api/chat",
	  "{\"model\":\"llama3\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
	  "application/x-ndjson",
	  "{\"model\":\"llama3\",\"created_at\":\"x\",\"message\":{\"role\":\"assistant\",\"content\":\"Y\"},"
	  "\"done\":false}\n"
	  "{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\"o\"},\"done\":false}\n"
	  "{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_"
	  "reason\":\"stop\","
	  "\"prompt_eval_count\":26,\"eval_count\":298}\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=ollama.chat\ngen_ai.request.model=llama3\n"
	  "hark.gen_ai.input=Hi\n"
	  "gen_ai.response.model=llama3\nhark.gen_ai.time_to_first_chunk_ms=0\ngen_ai.usage.input_tokens=26\n"
	  "gen_ai.usage.output_tokens=298\ngen_ai.response.finish_reasons=stop\nhark.gen_ai.chunks=2\n"
	  "hark.gen_ai.output=Yo\n" },
	{ "Mistral's, which thinks aloud in lists", "api.mistral.ai", "/v1/chat/completions", CHAT,
	  "text/event-stream",
	  "data: "
	  "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm\"}]}"
	  "]}}]}"
	  "\n\n"
	  "data: "
	  "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,"
	  "\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]},\"finish_reason\":\"stop\"}],"
	  "\"usage\":"
	  "{\"prompt_tokens\":7,\"total_tokens\":9,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=openai.chat_completions\n"
	  "gen_ai.provider.name=mistral_ai\ngen_ai.request.model=gpt-4o\nhark.gen_ai.input=Hello?\n"
	  "gen_ai.response.model=m\ngen_ai.response.id=c\nhark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.usage.input_tokens=7\ngen_ai.usage.output_tokens=2\n"
	  "gen_ai.response.finish_reasons=stop\nhark.gen_ai.chunks=2\nhark.gen_ai.output=Hi\n" },
	{ "two tools in one go, in parts, and a usage of null", "h", "/v1/chat/completions", CHAT,
	  "text/event-stream",
	  "data: "
	  "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"prompt_filter_results\":[{"
	  "\"prompt_index\":0}],\"model\":\"\"}\n\n"
	  "data: "
	  "{\"id\":\"c\",\"model\":\"m\",\"usage\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":"
	  "null,"
	  "\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"a\","
	  "\"arguments\":\"\"}},{\"index\":1,\"id\":\"t2\",\"function\":{\"name\":\"b\",\"arguments\":\"\"}}]"
	  "}}]}"
	  "\n\n"
	  "data: "
	  "{\"id\":\"c\",\"model\":\"m\",\"usage\":null,\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
	  "{\"index\":1,\"id\":\"\",\"function\":{\"name\":null,\"arguments\":\"{}\"}}]}}]}\n\n"
	  "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
	  "\"completion_tokens\":2}}\n\n",
	  ASKED_CHAT "gen_ai.response.id=c\ngen_ai.response.model=m\n"
		     "gen_ai.tool.name=a\ngen_ai.tool.name=b\nhark.gen_ai.time_to_first_chunk_ms=0\n"
		     "gen_ai.usage.input_tokens=7\n"
		     "gen_ai.usage.output_tokens=2\nhark.gen_ai.chunks=2\n" },
	{ "OpenAI's responses, which fail in the middle", "h", "/v1/responses",
	  "{\"model\":\"o3\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
	  "\"Why?\"}]}]}",
	  "text/event-stream",
	  "event: response.reasoning_summary_text.delta\ndata: "
	  "{\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"Hm\"}\n\n"
	  "event: response.function_call_arguments.delta\ndata: "
	  "{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"f\",\"delta\":\"{}\"}\n\n"
	  "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":"
	  "\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"no\"},\"model\":\"o3\",\"usage\":"
	  "null}}"
	  "\n\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=openai.responses\ngen_ai.request.model=o3\n"
	  "hark.gen_ai.input=Why?\nhark.gen_ai.time_to_first_chunk_ms=0\ngen_ai.response.model=o3\n"
	  "gen_ai.response.id=r\nerror.type=server_error\ngen_ai.response.finish_reasons=failed\n"
	  "hark.gen_ai.chunks=2\n" },
	{ "Anthropic thinks, asks its own server and two tools", "h", "/v1/messages",
	  "{\"model\":\"claude\",\"max_tokens\":9,\"messages\":[]}", "text/event-stream",
	  "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"model\":\"c\","
	  "\"content\":[],\"usage\":{\"input_tokens\":5,\"cache_creation\":{\"ephemeral_5m_input_tokens\":3},"
	  "\"output_tokens\":1,\"service_tier\":\"standard\"}}}\n\n"
	  "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
	  "\"thinking\":\"\",\"signature\":\"\"}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
	  "\"thinking\":\"Hm\"}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
	  "\"signature\":\"abc\"}}\n\n"
	  "data: "
	  "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"server_tool_use\","
	  "\"id\":\"s\",\"name\":\"web_search\",\"input\":{}}}\n\n"
	  "data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":"
	  "\"web_search_tool_result\",\"content\":[{\"type\":\"web_search_result\",\"title\":\"x\"}]}}\n\n"
	  "data: "
	  "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\",\"id\":"
	  "\"t1\",\"name\":\"f\",\"input\":{}}}\n\n"
	  "data: "
	  "{\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\",\"id\":"
	  "\"t2\",\"name\":\"f\",\"input\":{}}}\n\n"
	  "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"pause_turn\"},\"usage\":{"
	  "\"input_tokens\":50,\"cache_read_input_tokens\":0,\"output_tokens\":15,\"server_tool_use\":{"
	  "\"web_search_requests\":1}}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=anthropic.messages\ngen_ai.request.model=claude\n"
	  "gen_ai.response.model=c\ngen_ai.response.id=m\ngen_ai.usage.input_tokens=50\n"
	  "hark.gen_ai.time_to_first_chunk_ms=0\ngen_ai.tool.name=web_search\ngen_ai.tool.name=f\n"
	  "gen_ai.tool.name=f\ngen_ai.usage.output_tokens=15\ngen_ai.usage.cache_read.input_tokens=0\n"
	  "gen_ai.response.finish_reasons=pause_turn\nhark.gen_ai.chunks=4\n" },
	{ "Gemini's, streamed as events, with thoughts", "h", "/v1/models/g:streamGenerateContent?alt=sse",
	  "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}]}", "text/event-stream",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true}]}}],"
	  "\"usageMetadata\":{\"promptTokenCount\":4,\"thoughtsTokenCount\":3},\"modelVersion\":\"g1\"}"
	  "\r\n\r\n"
	  "data: "
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"thought\":true,\"text\":\"Hm\"},{\"text\":\"Yo\"},"
	  "{\"functionCall\":{\"name\":\"a\",\"args\":{}},\"thoughtSignature\":\"x\"},{\"functionCall\":{"
	  "\"name\":"
	  "\"b\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":4,"
	  "\"candidatesTokenCount\":6,\"thoughtsTokenCount\":5},\"modelVersion\":\"g1\"}\r\n\r\n",
	  "gen_ai.operation.name=generate_content\nhark.gen_ai.api=gemini.generate_content\n"
	  "gen_ai.request.model=g\nhark.gen_ai.input=Hi\n"
	  "gen_ai.response.model=g1\ngen_ai.usage.input_tokens=4\n"
	  "gen_ai.usage.reasoning.output_tokens=5\nhark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.tool.name=a\ngen_ai.tool.name=b\ngen_ai.usage.output_tokens=11\n"
	  "gen_ai.response.finish_reasons=STOP\nhark.gen_ai.chunks=2\nhark.gen_ai.output=Yo\n" },
	{ "Ollama's, with tools", "h", "/api/chat",
	  "{\"model\":\"q\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}", "application/x-ndjson",
	  "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"Hm\"},"
	  "\"done\":"
	  "false}\n"
	  "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{"
	  "\"function\":{"
	  "\"name\":\"a\",\"arguments\":{\"name\":\"no\"}}},{\"function\":{\"name\":\"b\"}}]},\"done\":false}"
	  "\n"
	  "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\","
	  "\"done\":"
	  "true,\"prompt_eval_count\":2,\"eval_count\":3}\n",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=ollama.chat\ngen_ai.request.model=q\n"
	  "hark.gen_ai.input=Hi\ngen_ai.response.model=q\nhark.gen_ai.time_to_first_chunk_ms=0\n"
	  "gen_ai.tool.name=a\ngen_ai.tool.name=b\ngen_ai.usage.input_tokens=2\n"
	  "gen_ai.usage.output_tokens=3\ngen_ai.response.finish_reasons=stop\nhark.gen_ai.chunks=2\n" },
	{ "the path alone is none", "h", "/v1/messages", "{\"text\":\"Hi\",\"model\":\"x\"}",
	  "application/json", "{\"id\":\"1\",\"model\":\"x\",\"usage\":{\"input_tokens\":5}}", "" },
	{ "responses to a survey", "h", "/surveys/1/responses", "{\"answers\":[1]}", "application/json",
	  "{\"type\":\"responses\",\"id\":\"12\"}", "" },
	{ "a response to a survey", "h", "/surveys/1/responses", "{\"answers\":[1]}", "application/json",
	  "{\"type\":\"response\",\"id\":\"12\"}", "" },
	{ "OpenAI's responses, whose request is not known", "h", "/v1/responses", "{}", "application/json",
	  "{\"id\":\"r\",\"object\":\"response\",\"model\":\"o3\",\"usage\":{\"input_tokens\":1}}",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=openai.responses\ngen_ai.response.model=o3\n"
	  "gen_ai.response.id=r\ngen_ai.usage.input_tokens=1\n" },
	{ "numbers that no reader of JSON is sure of", "h", "/v1/messages",
	  "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[]}", "application/json",
	  "{\"type\":\"message\",\"usage\":{\"input_tokens\":9007199254740992,"
	  "\"cache_read_input_tokens\":18446744073709551615,\"output_tokens\":9007199254740993}}",
	  "gen_ai.operation.name=chat\nhark.gen_ai.api=anthropic.messages\ngen_ai.request.model=m\n"
	  "gen_ai.usage.input_tokens=9007199254740992\n" },
	{ "no JSON", "h", "/v1/chat/completions", CHAT "x", "application/json",
	  "{\"model\":\"m\",\"choices\":[],}", ASKED_CHAT },
	{ "a key that looks like a path", "h", "/v1/chat/completions", CHAT, "application/json",
	  "{\"usage.prompt_tokens\":7,\"usage\":{\"prompt_tokens\":\"7\",\"completion_tokens\":-1}}",
	  ASKED_CHAT },
};

static void begin_for(struct reading_text *out, const struct row *row, unsigned int wants)
{
	reading_text_init(out, wants);
	out->message[MESSAGE_REQUEST]->method = SLICE("POST");
	out->message[MESSAGE_REQUEST]->target = slice_of_string(row->path);
	out->message[MESSAGE_REQUEST]->first_byte_ns = UINT64_MAX; /* the clock is not what is tested */
	reading_text_field(out, MESSAGE_REQUEST, "Host", row->host);
	reading_text_field(out, MESSAGE_REQUEST, "Content-Type", "application/json");
	reading_text_field(out, MESSAGE_RESPONSE, "Content-Type", row->type);
	assert_true(reading_text_head(out, MESSAGE_REQUEST));
}

static void begin(struct reading_text *out, const struct row *row)
{
	begin_for(out, row, WANTS);
}

/* Only what this reader tells. */
static const char *facts_of(struct reading_text *out, char *text)
{
	const char *line = reading_text_end(out);

	text[0] = '\0';
	for (size_t len; *line; line += len) {
		len = strcspn(line, "\n") + 1;
		if (strncmp(line, "hark.sse", 8) != 0 && line[0] != '<')
			strncat(text, line, len);
	}
	return text;
}

static void test_rows(void **state)
{
	char text[READING_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);
		struct slice response = slice_of_string(rows[i].response);

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= response.len + 1; cut++) {
			struct reading_text out;

			begin(&out, &rows[i]);
			reading_text_pieces(&out, MESSAGE_REQUEST, request, cut % 7);
			readings_end(out.readings, out.message[MESSAGE_REQUEST], out.time_ns);
			reading_text_head(&out, MESSAGE_RESPONSE);
			reading_text_cut(&out, MESSAGE_RESPONSE, response, cut);
			assert_string_equal(facts_of(&out, text), rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

/* Each fact of a response with a hole is one of the whole one; what is counted over all of it is not told. */
static void test_holes(void **state)
{
	char text[READING_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);
		struct slice response = slice_of_string(rows[i].response);

		for (size_t from = 0; from < response.len; from++)
			for (size_t size = 1; from + size <= response.len; size += 1 + size / 3) {
				struct reading_text out;
				char *line, *rest = NULL;

				begin(&out, &rows[i]);
				reading_text_pieces(&out, MESSAGE_REQUEST, request, 0);
				readings_end(out.readings, out.message[MESSAGE_REQUEST], out.time_ns);
				reading_text_head(&out, MESSAGE_RESPONSE);
				reading_text_around(&out, MESSAGE_RESPONSE, response, from, size);
				facts_of(&out, text);
				assert_null(strstr(text, "hark.gen_ai.chunks"));
				assert_null(strstr(text, "hark.gen_ai.output"));
				for (line = strtok_r(text, "\n", &rest); line;
				     line = strtok_r(NULL, "\n", &rest)) {
					if (!strstr(rows[i].expected, line))
						fail_msg("%s, hole %zu+%zu: %s", rows[i].name, from, size,
							 line);
				}
				reading_text_fini(&out);
			}
	}
}

/* A request of which a part is missing says nothing; the response may say itself what it is. */
static void test_request_holes(void **state)
{
	struct slice request = slice_of_string(rows[0].request);
	char text[READING_TEXT_MAX];

	(void)state;
	for (size_t from = 0; from < request.len; from++) {
		struct reading_text out;

		begin(&out, &rows[0]);
		reading_text_around(&out, MESSAGE_REQUEST, request, from, 1);
		readings_end(out.readings, out.message[MESSAGE_REQUEST], out.time_ns);
		reading_text_head(&out, MESSAGE_RESPONSE);
		reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of_string(rows[0].response), 0);
		facts_of(&out, text);
		assert_null(strstr(text, "gen_ai.request.model"));
		assert_non_null(strstr(text, "gen_ai.provider.name=openai\n"));
		assert_non_null(strstr(text, "gen_ai.usage.input_tokens=10\n"));
		reading_text_fini(&out);
	}
}

static void test_times(void **state)
{
	struct reading_text out;

	(void)state;
	begin(&out, &rows[1]);
	out.message[MESSAGE_REQUEST]->first_byte_ns = 1000000;
	reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(rows[1].request));
	readings_end(out.readings, out.message[MESSAGE_REQUEST], out.time_ns);
	reading_text_head(&out, MESSAGE_RESPONSE);
	for (int i = 0; i < 5; i++)
		reading_text_feed(&out, MESSAGE_RESPONSE,
				  i ? SLICE("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
				    : SLICE("data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n"));
	reading_text_end(&out);
	/* Asked in 1 ms, an empty one after 2, the first that says something after 3, three more in 3. */
	assert_non_null(strstr(out.text, "hark.gen_ai.time_to_first_chunk_ms=3000000\n"));
	assert_non_null(strstr(out.text, "hark.gen_ai.time_per_output_chunk_ms=1000000\n"));
	assert_non_null(strstr(out.text, "hark.gen_ai.chunks=4\n"));
	reading_text_fini(&out);
}

/* Nobody who wants facts alone is told what was said. */
static void test_no_content(void **state)
{
	struct reading_text out;

	(void)state;
	begin_for(&out, &rows[0], READER_FACTS);
	reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(rows[0].request));
	reading_text_head(&out, MESSAGE_RESPONSE);
	reading_text_feed(&out, MESSAGE_RESPONSE, slice_of_string(rows[0].response));
	reading_text_end(&out);
	assert_non_null(strstr(out.text, "gen_ai.request.model=gpt-4o\n"));
	assert_null(strstr(out.text, "Hello"));
	assert_null(strstr(out.text, "Hi."));
	reading_text_fini(&out);
}

/* Many calls of tools leave room for what is told at the end. */
static void test_many_tools(void **state)
{
	char event[256];
	struct reading_text out;

	(void)state;
	begin(&out, &rows[1]);
	reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(CHAT));
	reading_text_head(&out, MESSAGE_RESPONSE);
	for (int i = 0; i < 40; i++) {
		snprintf(event, sizeof(event),
			 "data: "
			 "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":"
			 "\"f%d\"}}]}}]}\n\n",
			 i);
		reading_text_feed(&out, MESSAGE_RESPONSE, slice_of_string(event));
	}
	reading_text_feed(
		&out, MESSAGE_RESPONSE,
		SLICE("data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":"
		      "7,\"completion_tokens\":2}}\n\n"));
	reading_text_end(&out);
	assert_non_null(strstr(out.text, "gen_ai.tool.name=f15\n"));
	assert_non_null(strstr(out.text, "gen_ai.usage.input_tokens=7\ngen_ai.usage.output_tokens=2\n"));
	assert_non_null(strstr(out.text, "gen_ai.response.finish_reasons=tool_calls\n"));
	assert_non_null(strstr(out.text, "hark.gen_ai.chunks=40\n"));
	assert_int_equal(out.refused, 24);
	reading_text_fini(&out);
}

/* A stream's events are told, what they hold is not, but for those who want bodies. */
static void test_events(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct reading_text out;

		begin_for(&out, &rows[1], READER_FACTS | READER_MESSAGES | (i ? READER_BODIES : 0));
		reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(CHAT));
		reading_text_head(&out, MESSAGE_RESPONSE);
		reading_text_feed(&out, MESSAGE_RESPONSE,
				  SLICE("data: {\"choices\":[{\"delta\":{\"content\":\"Hi \"}}]}\n\n"));
		assert_string_equal(
			out.text, i ? "< message #1 41 [{\"choices\":[{\"delta\":{\"content\":\"Hi \"}}]}]\n"
				    : "< message #1 41\n");
		reading_text_fini(&out);
	}
}

static const struct row *response_row(void)
{
	const struct row *row = rows;

	while (strcmp(row->path, "/v1/responses") != 0)
		row++;
	return row;
}

/* A megabyte said in one event, and one asked: bounded. */
static void test_large(void **state)
{
	static uint8_t bytes[1 << 20];
	struct reading_text out;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	begin(&out, &rows[1]);
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("{\"model\":\"m\",\"messages\":[{\"content\":\""));
	reading_text_pieces(&out, MESSAGE_REQUEST, slice_of(bytes, sizeof(bytes)), 1000);
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("\"}]}"));
	reading_text_head(&out, MESSAGE_RESPONSE);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: {\"choices\":[{\"delta\":{\"content\":\""));
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 1000);
	reading_text_feed(&out, MESSAGE_RESPONSE,
			  SLICE("\"}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"));
	assert_true(readings_memory(out.readings) < 200000);
	reading_text_end(&out);
	assert_non_null(strstr(out.text, "hark.gen_ai.input.truncated=1\n"));
	assert_non_null(strstr(out.text, "hark.gen_ai.output=xxx"));
	assert_non_null(strstr(out.text, "hark.gen_ai.output.truncated=1\n"));
	assert_non_null(strstr(out.text, "hark.gen_ai.chunks=1\n"));
	assert_non_null(strstr(out.text, "gen_ai.usage.input_tokens=7\ngen_ai.usage.output_tokens=2\n"));
	reading_text_fini(&out);
}

/* The last event of the Responses API says all again, and only then the tokens. */
static void test_large_last_event(void **state)
{
	static uint8_t bytes[200000];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (size_t piece = 0; piece < 100000; piece = piece * 4 + 5) {
		struct reading_text out;

		begin(&out, response_row());
		reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(response_row()->request));
		reading_text_head(&out, MESSAGE_RESPONSE);
		reading_text_pieces(&out, MESSAGE_RESPONSE,
				    SLICE("event: response.completed\ndata: {\"type\":\"response.completed\","
					  "\"response\":{\"status\":\"completed\",\"output\":[{\"content\":"
					  "[{\"text\":\""),
				    piece);
		reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), piece);
		reading_text_pieces(&out, MESSAGE_RESPONSE,
				    SLICE("\"}]}],\"usage\":{\"input_tokens\":9,\"output_tokens\":3}}}\n\n"),
				    piece);
		reading_text_end(&out);
		assert_non_null(
			strstr(out.text, "gen_ai.usage.input_tokens=9\ngen_ai.usage.output_tokens=3\n"));
		reading_text_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_request_holes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_content),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_last_event),
		cmocka_unit_test(test_many_tools),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
