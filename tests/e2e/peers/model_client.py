#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of PyPI's: model_client.py openai|responses|anthropic URL whole|stream MODEL; prints what was said. Certificates are
not looked at."""
import sys


def no_verify(library):
    """An HTTP client of the very library that this package has."""
    return library.DefaultHttpxClient(verify=False)


def ask_openai(url, stream, model):
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="secret-key", max_retries=0, http_client=no_verify(openai))
    asked = [{"role": "user", "content": "Say hello."}]
    try:
        if not stream:
            return client.chat.completions.create(model=model, messages=asked).choices[0].message.content
    except openai.NotFoundError as error:
        return f"error {error.status_code}"
    parts = client.chat.completions.create(model=model, messages=asked, stream=True, stream_options={"include_usage": True})
    return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


def ask_responses(url, stream, model):
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="secret-key", max_retries=0, http_client=no_verify(openai))
    events = client.responses.create(model=model, input="Say hello.", stream=stream)
    return str(sum(len(event.delta) for event in events if event.type == "response.output_text.delta"))


def ask_anthropic(url, stream, model):
    import anthropic

    client = anthropic.Anthropic(base_url=url, api_key="secret-key", max_retries=0, http_client=no_verify(anthropic))
    asked = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "Say hello."}]}
    if not stream:
        return client.messages.create(**asked).content[0].text
    with client.messages.stream(**asked) as said:
        return "".join(said.text_stream)


which, url, how, model = sys.argv[1:]
print({"openai": ask_openai, "responses": ask_responses, "anthropic": ask_anthropic}[which](url, how == "stream", model))
