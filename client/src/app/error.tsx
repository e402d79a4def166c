"use client";

import { SomethingWentWrong } from "@/ui/something-went-wrong";

export default SomethingWentWrong;
