import type { Words } from "./en.ts";
import { html } from "./html.ts";

const START_AGAIN = "Gehen Sie zurück zur Anwendung und beginnen Sie dort von vorn.";
const LATER = "Versuchen Sie es in einigen Minuten noch einmal.";

export const de: Words = {
  problem: "Problem",
  signIn: {
    title: "Anmelden",
    client: (client) => html`und weiter zu ${client}`,
    development: "Nur für die Entwicklung. Niemand prüft, wer Sie sind: Sie sind die Person, die Sie eingeben.",
    subject: "Subject",
    subjectHint: "Die Kennung der Person, zum Beispiel ada",
    subjectProblem: "Geben Sie eine Kennung aus 1 bis 255 sichtbaren Zeichen ein.",
    claims: "Claims",
    claimsHint: "Ein JSON-Objekt",
    claimsProblem: "Geben Sie ein JSON-Objekt ein, das der Dienst als Claims annimmt.",
    submit: "Anmelden",
  },
  consent: {
    title: "Zugriff erlauben?",
    question: (client) => html`Darf ${client} Ihr Konto nutzen?`,
    destination: "Der Zugriff geht an",
    source: "Die Anwendung kommt von",
    introduced:
      "Niemand hat den Namen dieser Anwendung geprüft: Sie hat sich selbst vorgestellt. Erlauben Sie den Zugriff nur, wenn Sie die Anwendung gerade selbst gestartet haben.",
    device: "Das Gerät, das Ihnen den Code gezeigt hat",
    loopback: "Ein Programm auf diesem Computer",
    application: "Eine Anwendung auf diesem Gerät",
    scopes: "Die Anwendung kann dann",
    noScopes: "Erfahren, dass Sie hier ein Konto haben, und sonst nichts",
    resources: "Mit Ihrem Konto bei",
    account: (subject) => html`Angemeldet als ${subject}`,
    switch: "Konto wechseln",
    advice: "Wenn Sie diese Anwendung nicht kennen oder diese Seite nicht erwartet haben, wählen Sie Ablehnen.",
    deny: "Ablehnen",
    allow: "Erlauben",
  },
  scopes: {
    openid: "Erfahren, wer Sie sind",
    profile: "Ihren Namen und Ihr Profil sehen",
    email: "Ihre E-Mail-Adresse sehen",
    address: "Ihre Postanschrift sehen",
    phone: "Ihre Telefonnummer sehen",
    offline_access: "Diesen Zugriff in Ihrer Abwesenheit behalten, bis Sie ihn beenden",
  },
  formPost: {
    title: "Weiter",
    text: (host) => html`Es geht weiter zu ${host}.`,
    submit: "Weiter",
  },
  deviceCode: {
    title: "Gerät verbinden",
    text: "Geben Sie den Code ein, den Ihr Gerät zeigt.",
    given: "Prüfen Sie, ob Ihr Gerät diesen Code zeigt.",
    label: "Code",
    hint: "Groß- und Kleinbuchstaben gelten gleich. Den Bindestrich können Sie weglassen.",
    advice:
      "Fahren Sie nur fort, wenn Sie dies selbst auf einem Ihrer Geräte begonnen haben. Wer Ihnen einen Code schickt, will Ihr Konto nutzen.",
    submit: "Weiter",
    problems: {
      unknown:
        "Dieser Code ist unbekannt oder abgelaufen. Prüfen Sie ihn, oder lassen Sie Ihr Gerät einen neuen anzeigen.",
      taken: "Dieser Code wurde schon in einem anderen Browser eingegeben. Lassen Sie Ihr Gerät einen neuen anzeigen.",
      too_many: "Es wurden zu viele Codes versucht. Warten Sie einige Minuten, und versuchen Sie es dann noch einmal.",
    },
  },
  deviceDone: {
    allowed: {
      title: "Ihr Gerät ist verbunden",
      text: "Sie können diese Seite schließen und an Ihrem Gerät weitermachen.",
    },
    denied: {
      title: "Ihr Gerät wurde nicht verbunden",
      text: "Der Zugriff wurde abgelehnt. Sie können diese Seite schließen.",
    },
  },
  logOut: {
    title: "Abmelden?",
    text: "Sie werden hier abgemeldet, und bei den Anwendungen, bei denen Sie sich in diesem Browser mit diesem Konto angemeldet haben.",
    client: (client) => html`${client} fragt, ob Sie sich abmelden wollen.`,
    stay: "Um angemeldet zu bleiben, schließen Sie diese Seite.",
    submit: "Abmelden",
  },
  signedOut: { title: "Sie sind abgemeldet", text: "Sie können diese Seite schließen." },
  errors: {
    unknown_client: {
      title: "Diese Anwendung ist nicht bekannt",
      text: `Die Anwendung, von der Sie kommen, ist nicht oder nicht mehr registriert. ${START_AGAIN} Wenn diese Seite wieder erscheint, sagen Sie es den Betreibern der Anwendung.`,
    },
    unknown_redirect_uri: {
      title: "Sie wurden nicht zurückgeleitet",
      text: "Die Anwendung wollte die Antwort an eine Adresse, die für sie nicht registriert ist; darum wurde nichts gesendet. Das ist ein Fehler der Anwendung oder ein Versuch, Sie zu täuschen. Schließen Sie diese Seite, und sagen Sie es den Betreibern der Anwendung.",
    },
    invalid_request: {
      title: "Diese Anfrage ist nicht lesbar",
      text: `Der Link oder das Formular, über das Sie kommen, ist unvollständig oder wurde verändert. ${START_AGAIN}`,
    },
    expired: {
      title: "Diese Seite ist nicht mehr gültig",
      text: `Sie war zu lange offen oder wurde schon beantwortet. ${START_AGAIN}`,
    },
    other_browser: {
      title: "Das wurde in einem anderen Browser begonnen",
      text: `Eine Anmeldung endet in dem Browser, in dem sie begonnen wurde, und braucht dessen Cookies. ${START_AGAIN} Wenn Ihnen jemand einen Link auf diese Seite geschickt hat, schließen Sie sie.`,
    },
    rate_limited: {
      title: "Zu viele Versuche",
      text: "Warten Sie eine Minute, und versuchen Sie es dann noch einmal.",
    },
    sign_in_failed: {
      title: "Sie wurden nicht angemeldet",
      text: `Die Anmeldung wurde abgebrochen oder abgelehnt. ${START_AGAIN}`,
    },
    sign_in_unavailable: {
      title: "Sie können sich im Moment nicht anmelden",
      text: `Der Dienst, der prüft, wer Sie sind, antwortet nicht. ${LATER}`,
    },
    no_sign_in_method: {
      title: "Hier kann sich noch niemand anmelden",
      text: "Dieser Server weiß nicht, wie Personen sich anmelden. Wer ihn betreibt, setzt MINTMARK_SIGN_IN_ISSUER, MINTMARK_SIGN_IN_URL oder die Option signIn.",
    },
    internal_error: {
      title: "Etwas ist schiefgegangen",
      text: `Das liegt an uns, nicht an Ihnen. ${LATER}`,
    },
    unavailable: { title: "Der Dienst ist im Moment nicht erreichbar", text: LATER },
  },
  requestId: "Wenn es wieder geschieht, melden Sie es mit dieser Nummer:",
};
