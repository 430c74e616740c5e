import { haproxyCertificates } from "../support/haproxy_certificates.ts";

haproxyCertificates("1.3");
