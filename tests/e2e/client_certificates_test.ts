import { haproxyCertificates } from "../support/certificates/haproxy_certificates.ts";

haproxyCertificates("1.3");
