import { openSqliteStore } from "./src/store/sqlite/sqlite.ts";
import { openSqliteStore as openOld } from "/tmp/old/src/store/sqlite/sqlite.ts";
import { mkdtempSync, readdirSync, statSync } from "node:fs";
const rec=(i:number)=>({id:`r${Date.now()}-${i}-${Math.random()}`,at:1,action:"a",outcome:"allowed" as const,clientId:"c",subject:"x".repeat(200)});
for(const [n,open] of [["old",openOld],["new",openSqliteStore]] as any){
  const f=mkdtempSync("/tmp/break/sq-");
  const s=await open(f);
  const p=s.appendAudit([rec(1)]).then(()=>"ok",(e:any)=>e.reason+" "+e.cause?.code);
  const q=s.revoke({kind:"subject",id:"ada"},rec(2)).then(()=>"ok",(e:any)=>e.reason+" "+e.cause?.code);
  await s.close();
  console.log(n,"in flight at close:",await p, await q, readdirSync(f));
  const again=await open(f); console.log(n,(await again.listAudit({limit:10})).length, (await again.position()).sequence); await again.close();
}
// checkpoints: 6000 appends in small groups, with concurrent guest
{
  const f=mkdtempSync("/tmp/break/sq-"); const s=await openSqliteStore(f); const g=await openSqliteStore(f,{shared:true});
  let max=0,fails=0; const t0=Date.now(); let worst=0;
  for(let i=0;i<120;i++){ const b=performance.now(); await Promise.all(Array.from({length:10},(_,j)=>s.appendAudit(Array.from({length:5},(_,k)=>rec(i*1000+j*10+k))).catch((e:any)=>{fails++;console.log(e.reason,e.cause?.code)})).concat(i%5===0?[g.appendAudit([rec(i)])]:[])); worst=Math.max(worst,performance.now()-b); max=Math.max(max,statSync(f+"/mintmark.db-wal").size); }
  console.log({ms:Date.now()-t0,fails,max,worst});
  const p=Promise.all(Array.from({length:500},(_,j)=>s.appendAudit([rec(j)]).then(()=>1,(e:any)=>e.cause?.code)));
  await g.close(); console.log((await p).filter(x=>x!==1)); await s.close(); console.log(readdirSync(f));
}
