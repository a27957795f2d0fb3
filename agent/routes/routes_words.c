/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of words with what they mean, put into one open hash table of a fixed
 * size. A word may stand in several lists. Learning from traffic does the
 * rest: these lists are for what only knowing the language tells, that
 * /users/search is no user.
 */
#include "routes_words.h"

#include "ascii.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS	 4096 /* a power of two, at least twice the words */
#define WORD_MAX 32

struct words {
	struct word {
		struct slice text;
		unsigned int flags;
	} slots[SLOTS];
};

static const struct {
	unsigned int flags;
	const char *words;
} lists[] = {
	{ WORD_RESERVED | WORD_VERB, "accept ack acknowledge pass fail warn deregister destroy identify "
				     "reboot reverse undelete activate add apply approve archive assign "
				     "attach authenticate authorize ban block book bulk calculate cancel "
				     "capture change check checkout claim clear clone close commit "
				     "compare complete confirm connect convert copy create deactivate "
				     "decline decode decrypt delete deploy detach disable disconnect "
				     "dismiss download duplicate edit enable encode encrypt evaluate "
				     "execute exists expire export fetch filter find follow forgot "
				     "generate get grant import insert install invite invalidate invoke "
				     "join kick kill leave like link list lock login logoff logout lookup "
				     "merge move mute notify open parse patch pause ping post predict "
				     "prepare process promote publish pull purge push put query read "
				     "rebuild receive recover redeem refresh refund register reject "
				     "release reload remove rename render renew reopen replace replay "
				     "report request resend reset resize resolve restart restore resume "
				     "retry revert revoke rollback rotate run save scale schedule search "
				     "send set share signin signout signup simulate sort split start stop "
				     "submit subscribe suspend swap sync terminate test toggle track "
				     "transfer translate trigger unassign unban unblock unfollow "
				     "uninstall unlink unlock unpublish unregister unsubscribe unsuspend "
				     "update upgrade upload upsert validate verify view vote void watch "
				     "withdraw write" },
	{ WORD_RESERVED,
	  "by for from with of in on at via as 2fa about accepted access active activity admin aggregate "
	  "aggregations aggregate all allowed analytics any approved archived attributes authentication "
	  "authorization autocomplete available avatar awaiting balance banner batch best billing blocked "
	  "breakdown browse callback canceled cancelled capabilities captcha changelog changes closed "
	  "compact completed config configuration contact count counts cover current customize daily "
	  "dashboard data deleted deliveries deprecated details diagnostics diff digest disabled discover "
	  "discovery distance docs docs.json draft drafts enabled enums errors estimate expired explore "
	  "external failed faq favicon.ico featured feed feedback first flags forecast free full geo "
	  "geocode graph graphql guest head headers health healthcheck healthz heartbeat help hidden "
	  "highlights history home hot hourly html identity inactive inbox index info insights instant "
	  "internal introspect json jwks keepalive last latest launch ledger limits live livez loading "
	  "local lost manage manifest.json mapping markdown matches me meta metadata metrics mine missing "
	  "monthly more my near nearby nearest new newest news next now oauth oauth2 oldest online "
	  "openapi openapi.json openapi.yaml openid-configuration options outbox outstanding overview own "
	  "page paged paid password payload pending picture playback policies popular posts preferences "
	  "preflight presence prev preview previous pricing privacy private profile progress public quick "
	  "quota quote random rate ranking ratelimit raw readiness readme readyz ready recent recents "
	  "recommended refunded rejected related results retrieve review root robots.txt rss runtime "
	  "schema schemas security self sent session settings setup shipping shutdown similar sitemap.xml "
	  "size snapshot sold spec stable standings starred static statistics stats status stream "
	  "streaming suggest summary swagger swagger.json system template terms thumbnail timeline "
	  "timeseries today token top total trash trending unread upcoming uptime usage userinfo "
	  "utilization validation version weekly whoami yearly yesterday authorize introspection "
	  "well-known socket.io manifest sso saml mfa otp totp i18n ws websocket rpc jsonrpc graphiql "
	  "playground liveness startup probe liveness actuator prometheus pprof debug crossdomain.xml "
	  "apple-app-site-association security.txt assetlinks.json sse longpoll sign-in sign-up sign-out "
	  "log-in log-out opt-in opt-out by-id by-name by-slug index.html index.php" },
	{ WORD_NOUN,
	  "example examples demo sample abilities favorites favourites recommendations suggestions "
	  "versions keys sessions reviews updates statuses totals context content contents resources "
	  "sources templates properties reports tasks teams users followers following members tokens "
	  "categories permissions events orders types aggregates accounts achievements actions activities "
	  "ads addons addresses agents aggregates albums alerts aliases announcements answers "
	  "applications appointments apps area areas articles artifacts artists assets assignees "
	  "attachments attempts audience audiences audio audits auditlog audit authors auth availability "
	  "avatars backups badges banks banners batches beneficiaries bids bills binaries blobs blog "
	  "blogs boards body bookings bookmarks branches brands breeds brokers buckets budgets builds "
	  "bulletin buses businesses calendar calendars calls campaigns candidates capacity captures card "
	  "cards carriers cars cart carts catalog catalogs certificates channels chapters charges charts "
	  "chat chats checks checkouts children cities claims classes clients clusters codes "
	  "collaborators collections colors comments commits committees companies competitions components "
	  "conditions configs connections constraints consumers contacts containers contracts "
	  "contributors conversations coordinates costs countries coupons courses credentials credits "
	  "currencies customers dashboards databases datasets dates days deals debts definitions delivery "
	  "departments departures arrivals dependencies deployments deposits descriptions destinations "
	  "developers directory directories bestsellers dir devices diagnosis directions discounts disks "
	  "disputes documents document domains drivers editions email emails employees endpoints engines "
	  "entities entries environments episodes equipment exams exchanges executions expenses "
	  "extensions facilities factors families fares features fees feeds fields files film films "
	  "finance fixtures flights floors folders follows fonts forks forms formats friends functions "
	  "funds games gateways genres gifts gists goals grades graphs groups guides handlers hardware "
	  "holidays homes hooks hosts hotels hours icons identities images incidents indexes indices "
	  "industries ingredients inputs instances instructors instruments insurance integrations "
	  "interactions interests interfaces inventory investments invitations invites invoices issues "
	  "items itinerary jobs journal journals journeys keywords labels languages layers leads leagues "
	  "leaderboard leaderboards lectures lessons letters libraries licenses likes lines links "
	  "listings lists loans locations logs log logo lyrics machines mail mails mailboxes managers "
	  "manifests maps markets matrix meals measurements meetings media memberships memory mentions "
	  "menu menus merchants messages methods milestones models modules monitors movies nameservers "
	  "namespaces networks nodes notes notification objects observations offers offices operations "
	  "operators opportunities order organisations organizations orgs outputs owners packages pages "
	  "panels participants partners parties parts passengers patients payers payment payments payouts "
	  "peers people performance periods permission phases phone phones photo photos pictures "
	  "pipelines pins pipeline places plans planets platforms players playlists plugins pods points "
	  "policy polls pools portfolio portfolios ports position positions posts practitioners "
	  "prescriptions price prices priorities procedures processes producers product products profiles "
	  "programs projects promotions proposals protection providers publications publishers purchases "
	  "qualifications queries questions queues quotas quotes races ranks rates ratings reactions "
	  "readings receipts recipes recipients recordings records redirects referrals refs refunds "
	  "regions registrations relations relationships releases reminders rentals repositories repos "
	  "requests reservations resellers residents responses restaurants resumes returns revisions "
	  "rewards rides rights roles rooms roster routes rows rules runners runs salaries sales samples "
	  "scans schedules scholarships schools scopes scores scripts seasons seats secrets sections "
	  "sectors segments sellers semesters sensors series servers service services settlements shards "
	  "shares shelves shifts shipments shops shows sites skills slots snapshots songs source species "
	  "sports squads squad staff stages standards standing states stations steps stock stocks stops "
	  "storage stores stories strategies streams streets students subjects submissions subscribers "
	  "subscriptions subtasks suppliers surveys symbols systems tables tabs tags targets tasks tax "
	  "taxes teachers telemetry tenants tests texts themes threads tickets tickers tiers tiles time "
	  "timers times timezones titles topics topology tournaments tours tracks trades traffic trailers "
	  "trails trains transactions transcripts transfers transitions translations travelers trees "
	  "trials trips trophies trucks uploads urls user validators values variables variants vehicles "
	  "vendors venues vessels videos viewers views violations visitors visits visualizations volumes "
	  "votes vouchers wallets warehouses warnings watchers weather webhooks webhook websites widgets "
	  "wishlist wishlists withdrawals words workers workflows workspaces years zones address account "
	  "profile image file video name names description title key value type state location locations "
	  "timezone language theme icon amount currency country city region owner parent child author "
	  "group role team member project task job build test release branch commit pulls pull issue "
	  "comment label milestone message channel event customer subscription invoice product category "
	  "tag note notes record device sensor reading command commands firmware node cluster namespace "
	  "pod container image network volume secret policy rule alarm alarms alert dns whois nameserver "
	  "mx registrant registrar contact certificate ssl tls hostname ipv4 ipv6 base64 md5 sha1 sha256 "
	  "oauth1 http2 http3 web3 s3 ec2 k8s mp3 mp4 b2b p2p log4j utf8 3ds 3d signature signatures "
	  "lineup lineups seatmap baggage boarding checkin gate gates terminal terminals runway air "
	  "quality pollution tide tides moon sun sunrise sunset uv wind radar satellite climate depth "
	  "orderbook candles klines ohlc ticker trades kline book utxo utxos mempool blocks block tx txs "
	  "transaction children ancestors descendants siblings parents exif crop crops blame blob tree "
	  "subtree diffs patch env environment environments variables log exec attach portforward proxy "
	  "top binding eviction ephemeralcontainers finalize scale deliveries assignments grades syllabus "
	  "enrollments modules quizzes discussion discussions replies retweets tweets likes quotes "
	  "bookmarks mutes blocks spaces followers threads reposts boosts toots" },
	{ WORD_SPACE,
	  "api apis rest admin internal external public private auth oauth oauth2 static assets backend "
	  "gateway app mobile clients.v1 v client_api graphql rpc json jsonrpc ajax system sys platform "
	  "common shared account my me self home portal site console management mgmt manage data open "
	  "openapi developer b2b public-api rest-api webapi ext ui cgi-bin wp-json soap xml debug "
	  "actuator _cat _cluster .well-known secure security identity connect ecommerce finance compute "
	  "networking storage v1alpha v1beta " },
	{ WORD_NAMED,
	  "tags branches refs heads releases revisions categories topics genres labels departments "
	  "sections keywords hashtags leagues countries cities regions states brands tables databases dbs "
	  "db indices indexes collections buckets bucket index table collection queues streams namespaces "
	  "environments namespace sobjects states languages locales timezones currencies timezone zones "
	  "symbols tickers tlds domains handles handle nicknames flags folders mailboxes properties "
	  "attributes roles scopes permissions variables secrets configmaps serviceaccounts deployments "
	  "statefulsets daemonsets replicasets cronjobs pods ingresses configs keys key tokens parameters "
	  "params schemas catalogs datasets engines repos owner plugins crates gems formulae recipes "
	  "spaces workspaces subjects rooms channels sports teams playlists customresourcedefinitions "
	  "persistentvolumeclaims persistentvolumes storageclasses clusterroles clusterrolebindings "
	  "rolebindings networkpolicies horizontalpodautoscalers _doc _create _update _source _design "
	  "_view _index_template _template _component_template _alias _snapshot _termvectors _explain "
	  "_local breed species slug by-name by-slug name vhosts exchanges consumers brokers subreddits r "
	  "u hubs toggles segments wiki pages aliases usernames brands airlines airports airport airline " },
	{ WORD_SINGLE, "settings stats statistics analytics metrics preferences options docs status access "
		       "address process business class canvas campus series aws dns https tls sms gps css "
		       "js fonts img images.static assets tools utils insights statuses credentials "
		       "limits updates totals reports ads basics physics always rules operations "
		       "diagnostics logistics apis sys rss pos has is this axis basis campus " },
	{ WORD_ENTITY,
	  "user account customer client member employee person profile player team club league match game "
	  "product item sku article post page blog book movie film show episode season series artist "
	  "album track song playlist genre category tag topic city country region capital state county "
	  "place location address street zip zipcode postcode postal station stop airport airline flight "
	  "train route vessel vehicle car driver vin symbol stock ticker quote pair market coin currency "
	  "rate asset token wallet tx block contract domain host hostname ip asn whois dns certificate "
	  "device sensor thing gateway room channel chat thread message conversation group organization "
	  "org company vendor supplier brand store shop merchant order invoice payment charge "
	  "subscription plan coupon voucher news ticket issue bug task project repo repository package "
	  "module crate image artifact release branch commit job build pipeline workflow run queue bucket "
	  "object file folder document record entity node pod namespace service cluster instance server "
	  "volume network region zone lang language locale currency word define definition synonym "
	  "translation timezone pet breed pokemon character species planet hero recipe ingredient meal "
	  "drink cocktail restaurant hotel venue event concert school university course lesson student "
	  "teacher patient doctor hospital drug gene protein compound element isbn ean barcode gtin doi "
	  "weather forecast lookup email username handle status search pid uid id ref hash digest key "
	  "alias entry ability type move item berry nature gender color dataset series indicator holidays "
	  "holiday year month day date license plate permit case parcel property tracking shipment "
	  "container port berth feed source section column author publisher editor translate convert iata "
	  "icao" },
	{ WORD_NOUN | WORD_MANY,
	  "people children media staff data fleet inventory equipment personnel feet mice" },
	{ WORD_PAIR, "repos repositories" },
	{ WORD_FILLER,
	  "the of to in and my a an for how on with your is are we why what when from at vs into" },
	{ WORD_TLD, "com org net edu gov mil int info biz dev app xyz online site shop store tech cloud name "
		    "pro local internal test example localhost arpa museum travel agency blog live world "
		    "page art design club space website top icu vip life today network systems solutions "
		    "digital studio invalid lan corp home" },
	{ WORD_FORMAT, "json xml csv tsv html htm php asp aspx ashx jsp do action txt yaml yml rss atom "
		       "jsonld ndjson ics" },
	{ WORD_ASSET, "js mjs css map woff woff2 ttf otf eot ico wasm less scss" },
	{ WORD_MEDIA, "png jpg jpeg gif webp svg avif bmp tif tiff mp3 mp4 webm ogg wav m3u8 ts pdf zip gz "
		      "tgz bz2 xz tar rar 7z deb rpm whl jar apk exe dmg iso md doc docx xls xlsx ppt "
		      "pptx parquet bin pbf mvt py rb" },
	{ WORD_ANY, "manifests _alias branches heads referrers" },
	{ WORD_CODE, "usd eur gbp jpy chf cad aud nzd cny inr brl krw mxn rub sek nok dkk pln czk huf zar "
		     "sgd hkd thb ils aed sar btc eth usdt usdc xrp ltc sol doge" },
	{ WORD_DIGEST, "sha1 sha224 sha256 sha384 sha512 md5 blake2b blake3 crc32" },
};

/* The slot of a word, or the free one where it would be. */
static size_t word_slot(const struct words *words, struct slice word)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t at;

	for (size_t i = 0; i < word.len; i++)
		hash = (hash ^ ascii_lower(word.data[i])) * 16777619u;
	for (at = hash % SLOTS; words->slots[at].text.data; at = (at + 1) % SLOTS)
		if (slice_equal_nocase(words->slots[at].text, word))
			break;
	return at;
}

struct words *routes_words_new(void)
{
	struct words *words = calloc(1, sizeof(*words));
	size_t count = 0;

	if (!words)
		return NULL;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		for (const char *at = lists[i].words; *at; at += *at == ' ') {
			struct slice text = slice_of(at, strcspn(at, " "));
			struct word *word = &words->slots[word_slot(words, text)];

			count += !word->text.data;
			word->text = text;
			word->flags |= lists[i].flags;
			at += text.len;
		}
	}
	assert(count < SLOTS / 2);
	return words;
}

void routes_words_free(struct words *words)
{
	free(words);
}

unsigned int routes_words_find(const struct words *words, struct slice word)
{
	if (word.len > WORD_MAX)
		return 0;
	return words->slots[word_slot(words, word)].flags;
}
