import type { ErrorReason } from "../../../oauth/page.ts";
import { type Html, html } from "./html.ts";

type Notice = { title: string; text: string };

/** The words of the pages in one language. */
export type Words = {
  /** Before the title of a page with a problem. */
  problem: string;
  signIn: {
    title: string;
    client: (client: Html) => Html;
    development: string;
    subject: string;
    subjectHint: string;
    subjectProblem: string;
    claims: string;
    claimsHint: string;
    claimsProblem: string;
    submit: string;
  };
  consent: {
    title: string;
    question: (client: Html) => Html;
    destination: string;
    /** Before the host of the document by which a client introduces itself; and beside every client that does. */
    source: string;
    introduced: string;
    /** What stands for a host that is no host. */
    device: string;
    /** Beside a loopback host, and beside the scheme of an application. */
    loopback: string;
    application: string;
    scopes: string;
    noScopes: string;
    resources: string;
    account: (subject: Html) => Html;
    switch: string;
    advice: string;
    deny: string;
    allow: string;
  };
  /** What the scopes of OpenID Connect allow (OIDC Core §5.4, §11). */
  scopes: Readonly<Record<"openid" | "profile" | "email" | "address" | "phone" | "offline_access", string>>;
  formPost: { title: string; text: (host: Html) => Html; submit: string };
  deviceCode: {
    title: string;
    text: string;
    given: string;
    label: string;
    hint: string;
    advice: string;
    submit: string;
    problems: Readonly<Record<"unknown" | "taken" | "too_many", string>>;
  };
  deviceDone: { allowed: Notice; denied: Notice };
  logOut: { title: string; text: string; client: (client: Html) => Html; stay: string; submit: string };
  signedOut: Notice;
  errors: Readonly<Record<ErrorReason, Notice>>;
  /** Before the id of the request that failed. */
  requestId: string;
};

const START_AGAIN = "Go back to the application and start again.";
const LATER = "Try again in a few minutes.";

export const en: Words = {
  problem: "Problem",
  signIn: {
    title: "Sign in",
    client: (client) => html`to continue to ${client}`,
    development: "For development only. Nobody checks who you are: you are the person that you enter.",
    subject: "Subject",
    subjectHint: "The id of the person, such as ada",
    subjectProblem: "Enter an id of 1 to 255 visible characters.",
    claims: "Claims",
    claimsHint: "A JSON object",
    claimsProblem: "Enter a JSON object that the service accepts as claims.",
    submit: "Sign in",
  },
  consent: {
    title: "Allow access?",
    question: (client) => html`Allow ${client} to use your account?`,
    destination: "Access goes to",
    source: "The application comes from",
    introduced:
      "Nobody has checked the name of this application: it introduced itself. Allow it only if you have just started it yourself.",
    device: "The device that showed you the code",
    loopback: "A program on this computer",
    application: "An application on this device",
    scopes: "It will be able to",
    noScopes: "Know that you have an account here, and nothing else",
    resources: "With your account at",
    account: (subject) => html`Signed in as ${subject}`,
    switch: "Use another account",
    advice: "If you do not know this application, or did not expect this page, choose Deny.",
    deny: "Deny",
    allow: "Allow",
  },
  scopes: {
    openid: "Know who you are",
    profile: "See your name and your profile",
    email: "See your e-mail address",
    address: "See your postal address",
    phone: "See your phone number",
    offline_access: "Keep this access while you are away, until you end it",
  },
  formPost: {
    title: "Continue",
    text: (host) => html`You go on to ${host}.`,
    submit: "Continue",
  },
  deviceCode: {
    title: "Connect a device",
    text: "Enter the code that your device shows.",
    given: "Check that your device shows this code.",
    label: "Code",
    hint: "Capital and small letters are the same. You can leave out the hyphen.",
    advice:
      "Continue only if you started this yourself on a device of yours. A person who sends you a code wants to use your account.",
    submit: "Continue",
    problems: {
      unknown: "This code is not known, or has expired. Check it, or get a new one on your device.",
      taken: "This code was entered in another browser already. Get a new one on your device.",
      too_many: "Too many codes were tried. Wait a few minutes, then try again.",
    },
  },
  deviceDone: {
    allowed: { title: "Your device is connected", text: "You can close this page and go back to your device." },
    denied: { title: "Your device was not connected", text: "Access was denied. You can close this page." },
  },
  logOut: {
    title: "Sign out?",
    text: "You will be signed out here, and in the applications that you signed in to with this account in this browser.",
    client: (client) => html`${client} asks whether you want to sign out.`,
    stay: "To stay signed in, close this page.",
    submit: "Sign out",
  },
  signedOut: { title: "You are signed out", text: "You can close this page." },
  errors: {
    unknown_client: {
      title: "This application is not known",
      text: `The application that sent you here is not registered, or not any more. ${START_AGAIN} If this page comes again, tell the people who run the application.`,
    },
    unknown_redirect_uri: {
      title: "You were not sent back",
      text: "The application asked for an answer to an address that is not registered for it, so nothing was sent. This is a mistake in the application, or an attempt to deceive you. Close this page, and tell the people who run the application.",
    },
    invalid_request: {
      title: "This request cannot be read",
      text: `The link or the form that brought you here is incomplete or has been changed. ${START_AGAIN}`,
    },
    expired: {
      title: "This page is no longer valid",
      text: `It was open for too long, or it has been answered already. ${START_AGAIN}`,
    },
    other_browser: {
      title: "This was started in another browser",
      text: `A sign-in ends in the browser in which it was started, and needs its cookies. ${START_AGAIN} If another person sent you a link to this page, close it.`,
    },
    rate_limited: { title: "Too many attempts", text: "Wait a minute, then try again." },
    sign_in_failed: {
      title: "You were not signed in",
      text: `The sign-in was cancelled or refused. ${START_AGAIN}`,
    },
    sign_in_unavailable: {
      title: "You cannot sign in at the moment",
      text: `The service that checks who you are does not answer. ${LATER}`,
    },
    no_sign_in_method: {
      title: "Nobody can sign in here yet",
      text: "This server does not know how people sign in. Its operator sets MINTMARK_SIGN_IN_ISSUER, MINTMARK_SIGN_IN_URL or the option signIn.",
    },
    internal_error: {
      title: "Something went wrong",
      text: `This is our fault, not yours. ${LATER}`,
    },
    unavailable: { title: "The service is not available at the moment", text: LATER },
  },
  requestId: "If it happens again, report it with this number:",
};
