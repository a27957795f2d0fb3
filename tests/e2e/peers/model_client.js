// SPDX-License-Identifier: Apache-2.0
// The clients of npm's: NODE_PATH=... model_client.js openai|anthropic URL whole|stream MODEL; prints what was said.
"use strict";
const [which, url, how, model] = process.argv.slice(2);
const stream = how === "stream";

async function openai() {
    const client = new (require("openai").OpenAI)({baseURL: `${url}/v1`, apiKey: "secret-key", maxRetries: 0});
    const asked = {model, messages: [{role: "user", content: "Say hello."}]};
    if (!stream)
        return (await client.chat.completions.create(asked)).choices[0].message.content;
    let said = "";
    for await (const part of await client.chat.completions.create({...asked, stream, stream_options: {include_usage: true}}))
        said += part.choices.length ? part.choices[0].delta.content || "" : "";
    return said;
}

async function anthropic() {
    const client = new (require("@anthropic-ai/sdk").Anthropic)({baseURL: url, apiKey: "secret-key", maxRetries: 0});
    const asked = {model, max_tokens: 100, messages: [{role: "user", content: "Say hello."}]};
    if (!stream)
        return (await client.messages.create(asked)).content[0].text;
    return client.messages.stream(asked).finalText();
}

({openai, anthropic})[which]().then(console.log);
