// One learner's whole life, lived with openapi-fetch and the types that were generated from the
// contract. Needs CERTSVC_URL, the key of a sandbox in CERTSVC_KEY, and in RECEIVER_URL where
// webhooks are heard; says what it sees, one line of JSON for each step. life.py beside it in
// python/ lives the same.
import createClient from "openapi-fetch";

import type { components, paths } from "./schema.d.ts";

type Enrollment = components["schemas"]["Enrollment"];
type Problem = components["schemas"]["Problem"];
type Answer<T> = { data?: T; error?: Problem | undefined; response: Response };

const baseUrl = process.env["CERTSVC_URL"] ?? "";

function connected(key: string) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
}
type Connected = ReturnType<typeof connected>;

/** What was asked for, and no problem. */
function told<T>(answer: Answer<T>): T {
  if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error(`nothing was answered: ${answer.response.status}`);
  return answer.data;
}

/** Say what is seen at a step. */
function see(step: string, saw: Record<string, unknown>): void {
  console.log(JSON.stringify({ step, ...saw }));
}

function seeEnrollment(step: string, enrollment: Enrollment): void {
  see(step, {
    status: enrollment.status,
    standing: enrollment.standing,
    through: enrollment.certificate?.valid_through ?? null,
    cycle: enrollment.cycle?.kind ?? null,
  });
}

/** A certification is drafted and published. */
async function programme(admin: Connected): Promise<void> {
  told(
    await admin.POST("/v1/certifications", {
      body: {
        key: "forklift",
        title: { en: "Forklift operator" },
        automatic_recertification: true,
      },
    }),
  );
  const path = { certification: "forklift" };
  const version = told(
    await admin.POST("/v1/certifications/{certification}/versions", {
      params: { path },
      body: {
        initial: {
          steps: [
            {
              key: "safety",
              title: "Safety 101",
              ways: [{ type: "course", course_id: "C-1", minimum_grade: 80 }],
            },
          ],
          exam: { exam_id: "X-1", passing_score: 70, max_attempts: 3 },
        },
        policy: {
          time_zone: "UTC",
          validity: { period: "P1Y", anchor: "previous_expiry" },
          renewal_opens: "P60D",
          grace: "P30D",
        },
      },
    }),
  );
  const published = told(
    await admin.POST("/v1/certifications/{certification}/versions/{number}/publish", {
      params: { path: { ...path, number: version.number } },
      body: { reason: "Ready" },
    }),
  );
  see("published", { version: published.number, state: published.state });
  const certification = told(
    await admin.GET("/v1/certifications/{certification}", { params: { path } }),
  );
  see("certification", { title: certification.title["en"], active: certification.active });
}

/** The LMS tells that course and exam were passed. */
async function report(lms: Connected, year: string): Promise<void> {
  const { now } = told(await lms.GET("/v1/test-clock"));
  const common = { learner_id: "u-17", occurred_at: now };
  const answer = told(
    await lms.POST("/v1/evidence", {
      body: {
        items: [
          {
            ...common,
            id: `course-${year}`,
            type: "course_completion",
            course_id: "C-1",
            outcome: "completed",
            grade: 92,
          },
          { ...common, id: `exam-${year}`, type: "exam_attempt", exam_id: "X-1", grade: 75 },
        ],
      },
    }),
  );
  see("evidence", { results: answer.items.map((item) => item.result) });
}

async function travel(admin: Connected, moment: string): Promise<void> {
  told(await admin.POST("/v1/test-clock/advance", { body: { to: moment } }));
}

/** Everything that happened, read to its end in small stretches. */
async function feed(lms: Connected): Promise<void> {
  const types: string[] = [];
  let after: string | undefined;
  for (;;) {
    const query = after === undefined ? { limit: 7 } : { limit: 7, after };
    const page = told(await lms.GET("/v1/events", { params: { query } }));
    types.push(...page.items.map((event) => event.type));
    after = page.next_cursor;
    if (!page.more) break;
  }
  see("feed", { types });
}

/** A no is told with its code, and what is possible instead. */
async function refusal(admin: Connected, enrollment: Enrollment): Promise<void> {
  const path = { enrollment_id: enrollment.id };
  const possible = told(
    await admin.GET("/v1/enrollments/{enrollment_id}/actions", { params: { path } }),
  );
  const allowed = possible.items.filter((one) => one.allowed).map((one) => one.action);
  see("actions", { allowed: allowed.sort() });
  const { error } = await admin.POST("/v1/enrollments/{enrollment_id}/actions/suspend", {
    params: { path },
    body: { reason: "Too late", expected_revision: 0 },
  });
  if (error === undefined) throw new Error("it should have been refused");
  see("refused", { code: error.code, status: error.status, retryable: error.retryable });
}

/** One endpoint hears of everything; another is made, changed and deleted. */
async function listen(admin: Connected): Promise<void> {
  const url = process.env["RECEIVER_URL"] ?? "";
  told(await admin.POST("/v1/webhook-endpoints", { body: { url } }));
  const made = told(
    await admin.POST("/v1/webhook-endpoints", {
      body: { url: "https://127.0.0.1:9/hooks", types: ["certificate.issued"], enabled: false },
    }),
  );
  see("endpoint", { types: made.types, enabled: made.enabled, secret: made.secret.slice(0, 6) });
  const params = { path: { endpoint_id: made.id } };
  const changed = told(
    await admin.PATCH("/v1/webhook-endpoints/{endpoint_id}", {
      params,
      body: { types: ["certificate.expired"] },
    }),
  );
  const listed = told(await admin.GET("/v1/webhook-endpoints"));
  see("changed", { types: changed.types, count: listed.items.length });
  const gone = await admin.DELETE("/v1/webhook-endpoints/{endpoint_id}", { params });
  const { error } = await admin.GET("/v1/webhook-endpoints/{endpoint_id}", { params });
  see("deleted", { status: gone.response.status, code: error?.code });
}

const admin = connected(process.env["CERTSVC_KEY"] ?? "");
const key = told(await admin.POST("/v1/api-keys", { body: { name: "LMS", role: "lms" } }));
see("key", { role: key.role });
const lms = connected(key.key);
await listen(admin);
await programme(admin);

const request = {
  params: { header: { "Idempotency-Key": "once" } },
  body: { certification: "forklift", learner_id: "u-17" },
};
const enrolled = told(await lms.POST("/v1/enrollments", request));
const again = told(await lms.POST("/v1/enrollments", request));
seeEnrollment("enrolled", enrolled);
see("once", { same: again.id === enrolled.id, revision: again.revision });

const path = { enrollment_id: enrolled.id };
const read = async () =>
  told(await lms.GET("/v1/enrollments/{enrollment_id}", { params: { path } }));
await report(lms, "2026");
const certified = await read();
seeEnrollment("certified", certified);
await travel(admin, "2026-11-20T09:00:00Z");
seeEnrollment("due", await read());
await travel(admin, "2026-12-01T09:00:00Z");
await report(lms, "2027");
seeEnrollment("recertified", await read());
await travel(admin, "2028-01-06T00:00:00Z");
seeEnrollment("expired", await read());
await travel(admin, "2028-03-01T00:00:00Z");
seeEnrollment("lapsed", await read());

const anybody = createClient<paths>({ baseUrl });
const code = certified.certificate?.code ?? "";
const shown = told(await anybody.GET("/v1/verify/{code}", { params: { path: { code } } }));
see("verified", { state: shown.state, certification: shown.certification_title["en"] });
await refusal(admin, enrolled);
const history = told(
  await lms.GET("/v1/enrollments/{enrollment_id}/history", {
    params: { path, query: { limit: 200 } },
  }),
);
see("history", { gapless: history.items.every((line, n) => line.sequence === n + 1) });
await feed(lms);

// What a receiver of webhooks gets is typed as well, by the type of the event.
type Issued = components["schemas"]["CertificateIssuedWebhook"];
export const numberOf = (delivery: Issued): string => delivery.data.data.certificate.number;
